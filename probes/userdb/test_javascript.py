"""What developers do with functions in JavaScript inside the database."""

import json

import pytest


def function(place, name, signature, body, how=""):
    """The statement that makes a function in JavaScript."""
    return f"CREATE FUNCTION {place}.{name}{signature} LANGUAGE pgv8 {how} AS $js${body}$js$"


def test_a_function_in_javascript_computes(sql, place):
    """A function in JavaScript computes with numbers, lists and documents"""
    body = "document.total = document.items.map(one => one * factor).reduce((a, b) => a + b, 0);"
    made = function(
        place, "total", "(document jsonb, factor int) RETURNS jsonb", f"{body} return document"
    )
    answer = sql(made, f"""SELECT {place}.total('{{"items": [1, 2, 18]}}', 2)""")
    assert json.loads(answer[0]) == {"items": [1, 2, 18], "total": 42}


def test_it_is_v8_that_runs(sql, place):
    """What runs JavaScript is V8, inside the server's own process"""
    body = "return pgv8.version + ' ' + typeof Error.captureStackTrace"
    made = function(place, "engine", "() RETURNS text", body)
    loaded = "SELECT pg_read_file('/proc/self/maps') LIKE '%/libnode.so%'"
    engine, version, in_process = sql(
        made, f"SELECT {place}.engine()", "SELECT pgv8_version()", loaded
    )
    assert engine == f"{version} function"
    assert version.startswith("10.2.")
    assert in_process == "t"


def test_a_trigger_in_javascript_corrects_and_refuses(sql, session, place):
    """A trigger in JavaScript corrects what is stored and refuses what is wrong"""
    body = (
        "if (!/^[^@ ]+@[^@ ]+$/.test(NEW.email)) throw new Error('no address: ' + NEW.email);"
        "NEW.email = NEW.email.toLowerCase(); return NEW"
    )
    sql(
        f"CREATE TABLE {place}.users (email text)",
        function(place, "tidy", "() RETURNS trigger", body),
        f"CREATE TRIGGER tidy BEFORE INSERT ON {place}.users"
        f" FOR EACH ROW EXECUTE FUNCTION {place}.tidy()",
        f"INSERT INTO {place}.users VALUES ('Ann@Example.org')",
    )
    refused = session(f"INSERT INTO {place}.users VALUES ('nobody')")
    assert "no address: nobody" in refused.stderr
    assert sql(f"SELECT email FROM {place}.users") == ["ann@example.org"]


def test_javascript_asks_the_database(sql, place):
    """A function in JavaScript asks the database, and its parameters are only text"""
    find = f"return pgv8.execute('SELECT * FROM {place}.users WHERE name = $1', [wanted])"
    sql(
        f"CREATE TABLE {place}.users (name text, age int)",
        f"INSERT INTO {place}.users VALUES ('Ann', 41), ('Bob', 42)",
        function(place, "find", f"(wanted text) RETURNS SETOF {place}.users", find),
    )
    assert sql(f"SELECT age FROM {place}.find('Bob')") == ["42"]
    assert sql(f"SELECT age FROM {place}.find(''' OR true --')") == []


def test_an_error_that_is_caught_undoes_only_its_statement(sql, place):
    """JavaScript catches an error of SQL, and only that statement is undone"""
    insert = f"pgv8.execute('INSERT INTO {place}.keys VALUES ($1)', [1])"
    body = f"{insert}; try {{ {insert} }} catch (error) {{ return error.sqlstate }}"
    sql(
        f"CREATE TABLE {place}.keys (key int PRIMARY KEY)",
        function(place, "twice", "() RETURNS text", body),
    )
    unique_violation = "23505"
    assert sql(f"SELECT {place}.twice()") == [unique_violation]
    assert sql(f"SELECT key FROM {place}.keys") == ["1"]


@pytest.mark.parametrize(
    "body",
    [
        "while (true) {}",
        "while (true) try { pgv8.execute('SELECT pg_sleep(3)') } catch (error) {}",
        "/^(a+)+$/.test('a'.repeat(60) + 'b')",
    ],
    ids=["loop", "loop-that-catches", "expression"],
)
def test_a_timeout_stops_an_endless_loop(session, body):
    """A statement timeout stops JavaScript that does not end, and the session goes on"""
    done = session(
        "SET statement_timeout = '700ms'",
        f"DO LANGUAGE pgv8 $js${body}$js$",
        "DO LANGUAGE pgv8 $js$ pgv8.elog('warning', 'still here') $js$",
    )
    assert "canceling statement due to statement timeout" in done.stderr
    assert "still here" in done.stderr


def test_memory_of_javascript_is_bounded(session):
    """JavaScript that takes more and more memory is stopped, and the session goes on"""
    done = session(
        "SET pgv8.heap_mb = 32",
        "DO LANGUAGE pgv8 $js$ const all = []; while (true) all.push(new Array(999).fill(1)) $js$",
        "DO LANGUAGE pgv8 $js$ pgv8.elog('warning', 'still here') $js$",
    )
    assert "more memory than pgv8.heap_mb" in done.stderr
    assert "still here" in done.stderr


def test_javascript_has_the_rights_of_who_calls(sql, session, place, token):
    """JavaScript may do what the role that calls may do, and no more"""
    body = f"return pgv8.execute('SELECT count(*) AS n FROM {place}.secrets')[0].n"
    sql(
        f"CREATE TABLE {place}.secrets (secret text)",
        function(place, "spy", "() RETURNS int", body),
        f"CREATE ROLE {token}",
        f"GRANT USAGE ON SCHEMA {place} TO {token}",
    )
    try:
        done = session(f"SET ROLE {token}", f"SELECT {place}.spy()")
        assert "permission denied for table secrets" in done.stderr
        assert sql(f"SELECT {place}.spy()") == ["0"]
    finally:
        sql(f"DROP OWNED BY {token}", f"DROP ROLE {token}")


def test_javascript_has_no_files_and_no_network(sql, place):
    """JavaScript in the database has no modules, files or sockets"""
    body = (
        "return ['require', 'process', 'fetch', 'WebAssembly', 'pgv8']"
        ".filter(name => typeof globalThis[name] !== 'undefined')"
    )
    made = function(place, "within", "() RETURNS text[]", body)
    assert sql(made, f"SELECT {place}.within()") == ["{pgv8}"]


def test_javascript_that_is_wrong_is_refused(session, place):
    """What is not JavaScript is refused when the function is made"""
    refused = session(function(place, "broken", "() RETURNS int", "return ("))
    assert "SyntaxError" in refused.stderr
    early = session(function(place, "early", "() RETURNS int", "return 1 }, function () {"))
    assert "SyntaxError" in early.stderr


@pytest.mark.parametrize(
    "words",
    ["Grüße aus Köln", "漢字かな交じり文", "☃ 🐳", 'a "quoted" \\ text'],
    ids=["umlauts", "japanese", "symbols", "quotes"],
)
def test_text_in_any_script_survives(sql, place, words):
    """Text in any script comes out of JavaScript as it went in"""
    made = function(place, "same", "(words text) RETURNS text", "return [...words].join('')")
    assert sql(made, f"SELECT {place}.same('{words}')") == [words]


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("bigint", "9223372036854775807"),
        ("numeric", "12345678901234567890.123456789"),
        ("float8", "0.1"),
    ],
    ids=["bigint", "numeric", "double"],
)
def test_numbers_survive_to_the_last_digit(sql, place, kind, number):
    """A number goes through JavaScript without losing a digit"""
    made = function(place, "same", f"(number {kind}) RETURNS {kind}", "return number")
    assert sql(made, f"SELECT {place}.same({number})") == [number]
