"""What is expected of any image of Redis, whatever it is used for."""

import uuid

import pytest


@pytest.fixture
def token():
    """A word that nothing else is called; safe in a shell as it is."""
    return f"probe-{uuid.uuid4().hex}"


def test_its_clock_is_in_universal_time(host):
    """Its clock is in UTC"""
    assert host.run("date +%Z").stdout.strip() == "UTC"


def test_its_entrypoint_runs_another_command(host, token):
    """The image runs another command in place of Redis"""
    done = host.run(f"timeout 5 queue echo {token}")
    assert done.stdout.strip() == token, done.stderr


def test_nobody_can_log_in_with_a_password(container):
    """No user of the system has a password"""
    users = [line.split(":") for line in container.copy_out("/etc/shadow").decode().split()]
    assert "queue" in [user[0] for user in users]
    assert [user[0] for user in users if user[1][:1] not in ("", "*", "!")] == []


def test_another_configuration_is_taken(host, token):
    """Redis takes a configuration of its user's, and options on top of it"""
    folder = f"/data/{token}"
    lines = f"port 6399\nsave 60 1000\ndir {folder}"
    try:
        started = host.run(
            f"mkdir {folder} && echo %s > {folder}/my.conf && timeout 10 queue redis-server"
            f" {folder}/my.conf --appendonly yes --daemonize yes",
            lines,
        )
        assert started.rc == 0, started.stderr
        asked = host.run(
            "for n in 1 2 3 4 5 6 7 8 9; do redis-cli -p 6399 ping >/dev/null 2>&1 && break;"
            " sleep 0.5; done; timeout 5 redis-cli -p 6399 config get save;"
            " timeout 5 redis-cli -p 6399 config get appendonly"
        )
        assert asked.stdout.split() == ["save", "60", "1000", "appendonly", "yes"]
    finally:
        host.run(f"timeout 5 redis-cli -p 6399 shutdown nosave; rm -r {folder}")
