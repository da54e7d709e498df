"""What the probes of the user DB share: SQL in a place of its own."""

import uuid

import pytest


@pytest.fixture
def token():
    """A word that nothing else is called; safe in a shell and in SQL as it is."""
    return f"probe_{uuid.uuid4().hex}"


@pytest.fixture
def session(host):
    """Send statements, one after the other in one session; gives how psql ended."""

    def run(*statements, options=""):
        flags = " ".join(["-c %s"] * len(statements))
        return host.run(
            f"timeout 20 psql -XAtq -v ON_ERROR_STOP=0 {options} {flags} postgres", *statements
        )

    return run


@pytest.fixture
def sql(session):
    """Send statements that must all succeed; gives the lines of what they answer."""

    def run(*statements):
        done = session(*statements)
        assert done.rc == 0, f"{done.stdout}{done.stderr}"
        assert "ERROR" not in done.stderr, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.fixture
def place(sql, token):
    """A schema for one probe, gone after it."""
    sql(f"CREATE SCHEMA {token}")
    yield token
    sql(f"SET client_min_messages = warning; DROP SCHEMA {token} CASCADE")
