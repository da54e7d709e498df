"""What the image of the user DB bears that no probe can bring about from outside."""

import subprocess

import pytest
from builders.vitality import REPOSITORY, matrix

pytestmark = [pytest.mark.engine, pytest.mark.full]

IMAGE = "compat-matrix/userdb:dev"
#: Kills the server, gives the number it left behind to a process that lives, and starts it again.
STORY = """
answers() { psql -XAtqc "SELECT 42" postgres 2>/dev/null; }
lock=$PGDATA/postmaster.pid
database >&2 & until answers >&2; do sleep 0.2; done
kill -9 "$(head -n 1 "$lock")"; wait
sleep 300 & sed -i "1s/.*/$!/" "$lock"
database >&2 & server=$!
until answers; do kill -0 "$server" || exit; sleep 0.2; done
"""


def test_a_number_that_a_killed_server_left_may_be_anybodys():
    built = matrix("image", "build", "-s", "userdb", at=REPOSITORY)
    assert built.returncode == 0, built.stderr
    told = subprocess.run(
        [
            *("docker", "run", "--rm", "--env", "DATABASE_PASSWORD=secret", "--tmpfs", "/tmp"),
            *("--entrypoint", "timeout", IMAGE, "60", "sh", "-c", STORY),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.stdout == "42\n", told.stderr
