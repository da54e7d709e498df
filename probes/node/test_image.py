"""What is expected of any image of Node.js, whatever it is used for."""

import uuid

import pytest


@pytest.fixture
def token():
    """A word that nothing else is called; safe in a shell as it is."""
    return f"probe-{uuid.uuid4().hex}"


def test_its_entrypoint_runs_another_command(host, token):
    """The image runs another command in place of the application"""
    done = host.run(f"timeout 5 guestbook echo {token}")
    assert done.stdout.strip() == token, done.stderr


def test_it_runs_a_script_of_its_user(host, token):
    """The image runs a script that somebody brings"""
    script = f"/data/{token}.js"
    host.run(f"echo %s > {script}", "console.log('Hello ' + ['W', 'orld!'].join(''))")
    done = host.run(f"timeout 15 guestbook node {script}; rm {script}")
    assert done.stdout == "Hello World!\n", done.stderr
