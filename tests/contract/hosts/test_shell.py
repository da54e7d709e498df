"""What a KeptShell does over every stream: a process here, an SSH channel, an exec in a container.

A new kind of stream gets the whole suite by one more entry in SHELLS.
"""

import contextlib
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders.containers import BusyboxImage
from builders.sshd import PATIENCE_SECONDS, Sshd, wait_until
from builders.stopwatch import Stopwatch

from matrix.core.errors import ConnectionLost, DeadlineExceeded, HostError, ProbeCodeError
from matrix.core.model import Host
from matrix.core.ports import Stream
from matrix.engines import open_engine
from matrix.hosts import KeptShell, connect

Factory = Callable[[], Stream]
#: A shell has so long for killing what ran past its deadline; promises are held to at three times.
KILL_SECONDS = 5.0


@contextlib.contextmanager
def local(shell: str, _: pytest.FixtureRequest, folder: Path) -> Iterator[Factory]:
    program = shell
    if shell == "ash":
        program = str(folder / "ash")
        (folder / "ash").symlink_to(shutil.which("busybox") or "/bin/busybox")
    host = Host(name="here", connection="local")
    connection = connect(host, workspace=folder)
    yield lambda: connection.open_stream([program])
    connection.close()


@contextlib.contextmanager
def over_ssh(user: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Factory]:
    sshd: Sshd = request.getfixturevalue("sshd")
    connection = connect(sshd.host(user), workspace=folder)
    yield lambda: connection.open_stream(["sh"])
    connection.close()


@contextlib.contextmanager
def in_container(_: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Factory]:
    image: BusyboxImage = request.getfixturevalue("busybox_image")
    engine = open_engine("docker", image.socket)
    with image.container("sleep", "3600") as container:
        yield lambda: engine.open_exec(container, ["sh"])
    engine.close()


SHELLS = {
    "local-dash": (local, "dash"),
    "local-bash": (local, "bash"),
    "local-ash": (local, "ash"),
    "ssh": (over_ssh, "root"),
    "ssh-noisy-bash": (over_ssh, "noisy"),
    "ssh-fish": (over_ssh, "fishy"),
    "container": (in_container, "ash"),
}
ENGINE = pytest.mark.engine


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=ENGINE if name == "container" else ()) for name in SHELLS],
)
def factory(request) -> Iterator[Factory]:
    make, detail = SHELLS[request.param]
    with (
        tempfile.TemporaryDirectory(prefix="mx-") as folder,
        make(detail, request, Path(folder)) as opened,
    ):
        yield opened


@pytest.fixture
def shell(factory, monkeypatch) -> Iterator[KeptShell]:
    # A shell that takes its time on a machine that stands still is not let go of.
    for name in ("START_SECONDS", "KILL_SECONDS", "END_SECONDS"):
        monkeypatch.setattr(f"matrix.hosts.shell.{name}", PATIENCE_SECONDS)
    kept = KeptShell(factory)
    yield kept
    kept.close()


def run(shell: KeptShell, command: str, *, seconds: float = PATIENCE_SECONDS):
    return shell.run(command, deadline_seconds=seconds)


def outcome(shell: KeptShell, command: str) -> tuple[int, bytes]:
    result = run(shell, command)
    return result.exit_status, result.stdout


COMMANDS = {
    "nothing": ("", 0, b""),
    "both outputs": ("echo out; echo err >&2", 0, b"out\n"),
    "status": ("exit 7", 7, b""),
    "last status": ("(exit 3)", 3, b""),
    "highest status": ("exit 255", 255, b""),
    "killed by a signal": ("sh -c 'kill -9 $$'", 137, b""),
    "syntax error": ("if", 2, b""),
    "unbalanced quote": ("echo 'a", 2, b""),
    "unbalanced bracket": (") ; echo no", 2, b""),
    "exec": ("exec echo replaced", 0, b"replaced\n"),
    "exec of nothing": ("exec /nonexistent", 127, b""),
    "no newline at the end": ("printf abc", 0, b"abc"),
    "comment at the end": ("echo a # b", 0, b"a\n"),
    "here document": ("cat <<X\nline\nX", 0, b"line\n"),
    "backslash at the end": ("echo a\\", 0, b"a"),
    "quotes": ("echo 'a'\"'\"'b' \"c d\"", 0, b"a'b c d\n"),
    "reads no input": ("cat; read x; echo got:$x", 0, b"got:\n"),
    "set -e": ("set -e; false; echo no", 1, b""),
    "set -u": ("set -u; echo ok", 0, b"ok\n"),
    "own trap": ("trap 'echo bye' EXIT; exit 4", 4, b"bye\n"),
    "closes its output": ("echo a; exec >&-", 0, b"a\n"),
    "changes nothing": ("cd /; x=1; umask 000; alias ls=no; f() { :; }", 0, b""),
    "NUL bytes": ("printf 'a\\000b'", 0, b"a\0b"),
    "non-ascii": ("printf ünï", 0, "ünï".encode()),
}


def test_every_command_gets_its_own_status_and_output(shell):
    for name, (command, status, stdout) in COMMANDS.items():
        result = outcome(shell, command)
        # What a shell says of a syntax error is 2 in some and 1 in others: never 0.
        expected_status = result[0] if status == 2 and result[0] else status
        wanted = (expected_status, stdout)
        if name == "backslash at the end":
            wanted = (0, result[1])
        assert result == wanted, name
        assert outcome(shell, "echo next") == (0, b"next\n"), f"after: {name}"


def test_stderr_comes_apart_and_belongs_to_its_command(shell):
    for number in range(5):
        result = run(shell, f"echo o{number}; echo e{number} >&2")
        assert (result.stdout, result.stderr) == (b"o%d\n" % number, b"e%d\n" % number)


def test_nothing_of_one_command_is_seen_by_the_next(shell):
    run(shell, "cd /; x=secret; export y=secret; f() { echo f; }; umask 077; set -f")

    assert outcome(shell, "echo $x$y; f 2>/dev/null || echo none; echo /et[c]") == (
        0,
        b"\nnone\n/etc\n",
    )


def test_a_flood_is_cut_in_the_middle_and_counted(shell):
    result = shell.run(
        "echo head; head -c 3000000 /dev/zero; echo tail; head -c 3000000 /dev/zero >&2",
        deadline_seconds=PATIENCE_SECONDS,
        cap_bytes=1000,
    )

    assert result.exit_status == 0
    assert result.stdout_bytes == 3_000_010
    assert result.stderr_bytes == 3_000_000
    assert len(result.stdout) == len(result.stderr) == 1000
    assert result.stdout.startswith(b"head\n")
    assert result.stdout.endswith(b"tail\n")
    assert result.truncated


@pytest.fixture
def bell() -> Iterator[str]:
    """A file, here and in a container, that is not there until somebody rings it."""
    file = f"/tmp/mx-bell-{secrets.token_hex(6)}"
    yield file
    for name in (file, f"{file}.heard"):
        Path(name).unlink(missing_ok=True)


def after(bell: str) -> str:
    """Shell code that says LEAK once the bell was rung, and before that tells that it was: it may
    end of having nobody to say it to."""
    return f"(until [ -e {bell} ]; do sleep 0.1; done; : >{bell}.heard; echo LEAK) &"


def test_a_child_that_keeps_stdout_neither_hangs_nor_leaks(shell, bell):
    with Stopwatch() as took:
        result = run(shell, f"{after(bell)} echo hi")

    assert (result.exit_status, result.stdout) == (0, b"hi\n")
    assert took.seconds < 10
    said = outcome(shell, f": >{bell}; until [ -e {bell}.heard ]; do sleep 0.1; done; echo mine")
    assert said == (0, b"mine\n")
    assert outcome(shell, "sleep 0.1; echo mine") == (0, b"mine\n")


def test_a_grandchild_that_prints_between_two_commands_does_not_leak(shell, factory, bell):
    assert outcome(shell, f"sh -c '{after(bell)}'; echo hi") == (0, b"hi\n")
    ringing = KeptShell(factory)
    run(ringing, f": >{bell}; until [ -e {bell}.heard ]; do sleep 0.1; done")
    ringing.close()
    # For what was said to come to us.
    time.sleep(0.6)

    assert outcome(shell, "echo mine") == (0, b"mine\n")


def test_at_the_deadline_the_whole_tree_is_killed_and_the_shell_goes_on(shell):
    mark = f"3{secrets.randbelow(10**6):06d}"
    run(shell, "true")
    with Stopwatch() as took, pytest.raises(DeadlineExceeded):
        run(shell, f"(sleep {mark} & sleep {mark}); echo no", seconds=0.5)

    assert took.seconds < 3 * KILL_SECONDS
    assert outcome(shell, "echo on") == (0, b"on\n")
    found = run(
        shell, f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'slee[p] {mark} '"
    )
    assert found.stdout == b"0\n"


def test_endless_output_ends_at_the_deadline(shell):
    run(shell, "true")
    with Stopwatch() as took, pytest.raises(DeadlineExceeded):
        run(shell, "yes", seconds=0.5)

    assert took.seconds < 3 * KILL_SECONDS
    assert outcome(shell, "echo on") == (0, b"on\n")


def test_a_shell_killed_in_the_middle_has_no_status(shell):
    run(shell, "true")
    with pytest.raises((ConnectionLost, HostError)):
        run(shell, "kill -9 $$; sleep 0.1; echo no")

    assert outcome(shell, "echo on") == (0, b"on\n")


def test_what_was_left_in_the_background_ends_with_the_shell(shell, factory):
    mark = f"4{secrets.randbelow(10**6):06d}"
    run(shell, f"sleep {mark} >/dev/null 2>&1 & echo started")
    shell.close()

    other = KeptShell(factory)
    found = run(
        other, f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'slee[p] {mark} '"
    )
    other.close()
    assert found.stdout == b"0\n"


def test_closing_waits_until_a_shell_that_is_held_up_has_ended(shell, factory):
    _, answered = outcome(shell, "echo $$")
    pid = int(answered)
    other = KeptShell(factory)
    run(other, f"kill -STOP {pid}; (sleep 0.5; kill -CONT {pid}) >/dev/null 2>&1 &")
    shell.close()

    found = run(other, f"cat /proc/{pid}/status")
    other.close()
    assert b"stopped" not in found.stdout


def test_a_nul_byte_in_a_command_is_refused(shell):
    with pytest.raises(ProbeCodeError):
        run(shell, "echo a\0b")


def test_a_long_command_is_taken_whole(shell):
    text = "x" * 300_000
    assert outcome(shell, f"v='{text}'; echo ${{#v}}") == (0, b"300000\n")


def test_a_shell_that_cannot_start_says_why(workspace):
    connection = connect(Host(name="here", connection="local"), workspace=workspace)
    shell = KeptShell(lambda: connection.open_stream(["sh", "-c", "echo broken >&2; exit 1"]))
    with pytest.raises(ConnectionLost, match="broken"):
        run(shell, "true")
    shell.close()
    connection.close()


def test_no_stream_is_left_open(workspace):
    connection = connect(Host(name="here", connection="local"), workspace=workspace)

    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = open_files()
    shell = KeptShell(lambda: connection.open_stream(["sh"]))
    for command in ("true", "sleep 0.1 & :", "exec true"):
        run(shell, command)
    with pytest.raises(DeadlineExceeded):
        run(shell, "sleep 9.0417", seconds=0.1)
    shell.close()

    # What earlier tests left behind may end meanwhile, so there may also be fewer.
    wait_until(lambda: open_files() <= before)
    wait_until(lambda: b"sleep 9.0417" not in subprocess.check_output(["ps", "-eo", "args"]))
    connection.close()
