"""What operations do to the database: kill it, restart it, copy from it, read its log."""

import uuid

import pytest

# What a client sends to ask for TLS; a server that has none answers N.
QUESTION = "\\x00\\x00\\x00\\x08\\x04\\xd2\\x16\\x2f"


@pytest.fixture
def table():
    """Name of a table that no other probe uses; safe in a shell and in SQL as it is."""
    return f"probe_{uuid.uuid4().hex}"


@pytest.fixture
def sql(container):
    """Send one statement from beside the server; gives the lines of the answer."""

    def run(statement):
        done = container.exec(f'timeout 20 psql -XAtq -c "{statement}" postgres')
        assert done.rc == 0, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.fixture
def leave_open(container):
    """Begin a session that writes and then stays, without a commit, for longer than a probe."""

    def begin(statement):
        container.exec(
            f'(psql -Xq -c "BEGIN; {statement}; SELECT pg_sleep(300)" postgres'
            " >/dev/null 2>&1 &) ; sleep 1"
        )

    return begin


def test_a_client_on_the_machine_is_answered(outside, container):
    """A client on the machine is answered on the published port"""
    address, port = container.address("postgres")
    talk = f"exec 3<>/dev/tcp/{address}/{port}; printf %b '{QUESTION}' >&3; head -c 1 <&3"
    answered = outside.run("timeout 10 bash -c %s", talk)
    assert answered.stdout == "N", answered.stderr


def test_a_statement_that_fails_is_in_the_log(container, table, eventually):
    """A statement that fails is in the log that the engine keeps, with its reason"""
    container.exec(f'psql -Xqc "SELECT * FROM {table}" postgres')
    reason = f'relation "{table}" does not exist'
    assert eventually(lambda: reason in container.logs())
    assert f"STATEMENT:  SELECT * FROM {table}" in container.logs()


def test_the_password_is_not_lying_around(container):
    """The password is not in its log, and not in the server's environment"""
    environment = container.exec(
        "tr '\\0' '\\n' < /proc/$(head -n 1 $PGDATA/postmaster.pid)/environ"
    )
    assert "PGDATA=" in environment.stdout, environment.stderr
    assert "DATABASE_PASSWORD" not in environment.stdout
    given = [one for one in container.inspect()["Config"]["Env"] if "PASSWORD=" in one]
    assert given, "it was started without a password"
    assert given[0].partition("=")[2] not in container.logs(tail=5000)


def test_nobody_can_log_in_with_a_password(container):
    """No user of the system has a password"""
    users = [line.split(":") for line in container.copy_out("/etc/shadow").decode().split()]
    assert "postgres" in [user[0] for user in users]
    assert [user[0] for user in users if user[1][:1] not in ("", "*", "!")] == []


def test_a_stranger_that_fails_does_not_take_it_down(container, sql, table):
    """A process that was orphaned beside it, and fails, does not end its sessions"""
    started = sql("SELECT pg_postmaster_start_time()")
    container.exec(f"(sh -c 'sleep 0.5; exit 2' {table} &); sleep 1.5")
    assert sql("SELECT pg_postmaster_start_time()") == started
    assert "terminating any other active server processes" not in container.logs()


@pytest.mark.timeout(60)
def test_a_backup_can_be_copied_out(container, sql, table):
    """A backup can be taken and copied out"""
    sql(f"CREATE TABLE {table} AS SELECT n FROM generate_series(1, 1000) n")
    done = container.exec(f"timeout 30 pg_dump -t {table} -f /data/{table}.sql postgres")
    assert done.rc == 0, done.stderr
    backup = container.copy_out(f"/data/{table}.sql").decode()
    container.exec(f"rm /data/{table}.sql")
    rows = backup.partition("FROM stdin;\n")[2].partition("\n\\.")[0]
    assert rows.split() == [str(n) for n in range(1, 1001)]


@pytest.mark.timeout(60)
def test_a_transaction_survives_a_kill(container, sql, leave_open, table):
    """After a kill what was committed is there, and what was not is gone"""
    sql(f"CREATE TABLE {table} (n int)")
    sql(f"INSERT INTO {table} VALUES (1), (2)")
    leave_open(f"INSERT INTO {table} VALUES (3)")
    assert sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'BEGIN; INSERT%'") == ["1"]
    container.kill()
    container.start()
    container.wait_until_ready(40)
    assert sql(f"SELECT n FROM {table} ORDER BY n") == ["1", "2"]
    assert "automatic recovery in progress" in container.logs()


@pytest.mark.timeout(60)
def test_data_and_functions_survive_a_restart(container, sql, table):
    """Rows and functions in JavaScript are there after a restart"""
    sql(f"CREATE TABLE {table} AS SELECT 21 AS n")
    sql(f"CREATE FUNCTION {table}_f(n int) RETURNS int LANGUAGE pgv8 AS 'return 2 * n'")
    container.restart()
    container.wait_until_ready(40)
    assert sql(f"SELECT {table}_f(n) FROM {table}") == ["42"]


@pytest.mark.timeout(60)
def test_it_stops_in_order_while_clients_are_there(container, sql, leave_open, table):
    """It stops in order while clients are connected, and starts without a recovery"""
    sql(f"CREATE TABLE {table} (n int)")
    leave_open(f"INSERT INTO {table} VALUES (1)")
    container.stop()
    assert container.state.exit_code == 0, "it had to be killed, or it failed"
    container.start()
    container.wait_until_ready(40)
    last = container.logs().rpartition("starting PostgreSQL")[2]
    assert "database system was shut down at" in last
    assert sql(f"SELECT count(*) FROM {table}") == ["0"]


@pytest.mark.requires(**{"engine.pause": True})
@pytest.mark.timeout(60)
def test_who_waits_while_it_is_frozen_is_answered_later(outside, container):
    """A client that came while it was frozen is answered when it goes on"""
    address, port = container.address("postgres")
    talk = f"exec 3<>/dev/tcp/{address}/{port}; printf %b '{QUESTION}' >&3; head -c 1 <&3"
    container.pause()
    try:
        frozen = outside.run("timeout 2 bash -c %s", talk)
    finally:
        container.unpause()
    assert frozen.stdout == "", "it answered while it was frozen"
    assert outside.run("timeout 10 bash -c %s", talk).stdout == "N"
