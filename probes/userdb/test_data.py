"""What is stored in the database, and who may see it."""

import pytest


def test_tables_are_made_filled_and_dropped(sql, place):
    """Rows are stored, counted, deleted, and the table dropped"""
    table = f"{place}.notes"
    answers = sql(
        f"CREATE TABLE {table} (a int, b int, words varchar(255))",
        f"INSERT INTO {table} VALUES (1, 2, 'hello')",
        f"INSERT INTO {table} VALUES (2, 3, 'goodbye!')",
        f"SELECT count(*) FROM {table}",
        f"DELETE FROM {table} WHERE a = 1",
        f"SELECT words FROM {table}",
        f"DROP TABLE {table}",
    )
    assert answers == ["2", "goodbye!"]


def test_a_transaction_is_all_or_nothing(sql, session, place):
    """A transaction that fails leaves nothing behind"""
    sql(
        f"CREATE TABLE {place}.accounts (name text, cents int CHECK (cents >= 0))",
        f"INSERT INTO {place}.accounts VALUES ('Ann', 100), ('Bob', 0)",
    )
    transfer = (
        f"UPDATE {place}.accounts SET cents = cents + 150 WHERE name = 'Bob'",
        f"UPDATE {place}.accounts SET cents = cents - 150 WHERE name = 'Ann'",
    )
    done = session("BEGIN", *transfer, "COMMIT")
    assert "violates check constraint" in done.stderr
    assert sql(f"SELECT cents FROM {place}.accounts ORDER BY name") == ["100", "0"]


@pytest.mark.timeout(60)
def test_sessions_at_the_same_time_lose_no_update(host, sql, place):
    """Eight sessions that count in JavaScript at the same time lose no step"""
    step = f"UPDATE {place}.counter SET n = {place}.next(n)"
    sql(
        f"CREATE TABLE {place}.counter (n int)",
        f"INSERT INTO {place}.counter VALUES (0)",
        f"CREATE FUNCTION {place}.next(n int) RETURNS int LANGUAGE pgv8 AS $$ return n + 1 $$",
    )
    done = host.run(
        "for client in 1 2 3 4 5 6 7 8; do (for step in 1 2 3 4 5; do echo %s; done"
        " | timeout 40 psql -Xq -v ON_ERROR_STOP=1 postgres) & done; wait",
        f"{step};",
    )
    assert done.rc == 0, done.stderr
    assert sql(f"SELECT n FROM {place}.counter") == ["40"]


@pytest.mark.timeout(60)
def test_a_backup_can_be_restored(host, sql, place, token):
    """A backup restored elsewhere has the same rows and functions"""
    sql(
        f"CREATE TABLE {place}.users (id int PRIMARY KEY, profile jsonb)",
        f"CREATE FUNCTION {place}.shout(words text) RETURNS text LANGUAGE pgv8"
        " AS $$ return words.toUpperCase() $$",
        f"INSERT INTO {place}.users SELECT n, jsonb_build_object('name', 'u' || n)"
        " FROM generate_series(1, 2000) n",
    )
    total = f"SELECT count(*), md5(string_agg({place}.shout(profile::text), '' ORDER BY id))"
    total += f" FROM {place}.users"
    restored = f"{token}_restored"
    done = host.run(
        f"createdb {restored} && timeout 30 pg_dump -e pgv8 -n {place} postgres"
        f" | timeout 30 psql -Xq -v ON_ERROR_STOP=1 {restored}"
    )
    try:
        assert done.rc == 0, done.stderr
        there = host.run(f"timeout 10 psql -XAtc %s {restored}", total)
        assert there.stdout.splitlines() == sql(total), there.stderr
        assert there.stdout.startswith("2000|")
    finally:
        host.run(f"dropdb --if-exists --force {restored}")


def test_nobody_enters_without_the_password(host):
    """Over the network nobody enters without the password"""
    wrong = host.run("PGPASSWORD=wrong timeout 10 psql -h userdb -w -XAtc 'SELECT 1' postgres")
    assert wrong.rc != 0
    assert "password authentication failed" in wrong.stderr
    right = host.run(
        'PGPASSWORD="$DATABASE_PASSWORD" timeout 10 psql -h userdb -w -XAtc "SELECT 42" postgres'
    )
    assert right.stdout.strip() == "42", right.stderr


def test_names_and_passwords_may_have_spaces(host, sql, token):
    """A role, a password and a database with spaces in their names are let in"""
    name = f"my cool {token}"
    sql(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'my cool password'")
    try:
        sql(f'CREATE DATABASE "{name}" OWNER "{name}"')
        done = host.run(
            "PGPASSWORD='my cool password' timeout 10 psql -h userdb -w -XAt -U %s -d %s -c %s",
            name,
            name,
            "SELECT current_user || '@' || current_database()",
        )
        assert done.stdout.strip() == f"{name}@{name}", done.stderr
    finally:
        sql(f'DROP DATABASE IF EXISTS "{name}"', f'DROP ROLE "{name}"')


def test_passwords_are_stored_salted(sql, token):
    """Passwords are stored as salted SCRAM verifiers"""
    sql(f"CREATE ROLE {token} PASSWORD 'secret'")
    stored = sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{token}'")
    sql(f"DROP ROLE {token}")
    assert stored[0].startswith("SCRAM-SHA-256$")


def test_its_clock_is_in_utc(host, sql):
    """Its time zone is UTC"""
    assert host.run("date +%Z").stdout.strip() == "UTC"
    assert sql("SHOW timezone") == ["Etc/UTC"]


def test_its_entrypoint_runs_another_command(host, token):
    """The image runs another command in place of the server"""
    done = host.run(f"timeout 5 database echo {token}")
    assert done.stdout.strip() == token, done.stderr
