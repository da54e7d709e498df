"""What every Connection does, over this machine and over SSH."""

import threading
import time

import pytest
from builders.sshd import PATIENCE_SECONDS, Sshd, read_all

from matrix.core.errors import ConnectionLost, DeadlineExceeded, HostError, UsageError
from matrix.core.model import Host
from matrix.hosts import CONNECTIONS, connect


@pytest.fixture(params=sorted(CONNECTIONS))
def connection(request, reach):
    if request.param == "local":
        return reach(Host(name="here", connection="local"))
    return reach(request.getfixturevalue("sshd").host())


AWKWARD = [
    "",
    " ",
    "two words",
    "it's",
    'double"quote',
    "back\\slash",
    "\\'",
    "line\nend",
    "$HOME `id` $(id)",
    "!history!",
    "%s %b \\0101",
    "*?[a]~{a,b}",
    "ünï¢ode",
    "\x07\x1b[0m",
    "-n",
    ";&|<>#",
]


def test_every_argument_arrives_as_it_was_given(connection):
    stream = connection.open_stream(["printf", "%s|", *AWKWARD])

    assert read_all(stream) == ("|".join([*AWKWARD, ""]).encode(), b"")
    stream.close()


def test_both_outputs_come_apart(connection):
    stream = connection.open_stream(["sh", "-c", "echo out; echo err >&2"])

    assert read_all(stream) == (b"out\n", b"err\n")
    stream.close()


def test_what_is_sent_arrives_and_the_end_of_input_is_seen(connection):
    stream = connection.open_stream(["wc", "-c"])
    stream.send(b"x" * 200_000)
    stream.end_input()

    assert read_all(stream)[0].strip() == b"200000"
    stream.close()


def test_binary_bytes_survive_both_ways(connection):
    data = bytes(range(256)) * 300
    stream = connection.open_stream(["head", "-c", str(len(data))])
    stream.send(data)

    assert read_all(stream)[0] == data
    stream.close()


def test_a_flood_on_stderr_blocks_nothing(connection):
    stream = connection.open_stream(["sh", "-c", "head -c 3000000 /dev/zero >&2; echo done"])

    out, err = read_all(stream)

    assert (out, len(err)) == (b"done\n", 3_000_000)
    stream.close()


def test_no_piece_is_larger_than_the_port_says(connection):
    stream = connection.open_stream(["head", "-c", "1000000", "/dev/zero"])
    sizes = []
    while chunk := stream.receive(deadline_seconds=PATIENCE_SECONDS):
        sizes.append(len(chunk.data))

    assert sum(sizes) == 1_000_000
    assert max(sizes) <= 65536
    assert min(sizes) > 0
    stream.close()


def test_waiting_ends_at_the_deadline_and_the_stream_stays_usable(connection):
    stream = connection.open_stream(["cat"])
    with pytest.raises(DeadlineExceeded):
        stream.receive(deadline_seconds=0.2)
    with pytest.raises(DeadlineExceeded):
        stream.receive(deadline_seconds=0)
    stream.send(b"still here")

    assert stream.receive(deadline_seconds=PATIENCE_SECONDS).data == b"still here"
    stream.close()


def test_closing_a_stream_wakes_whoever_waits_for_it(connection):
    stream = connection.open_stream(["sleep", "900"])
    raised = []

    def wait() -> None:
        try:
            stream.receive(deadline_seconds=600)
        except HostError as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.2)
    stream.close()
    waiting.join(PATIENCE_SECONDS)

    assert not waiting.is_alive()
    assert [type(error) for error in raised] == [ConnectionLost]


def test_a_closed_stream_refuses_everything_and_closes_again(connection):
    stream = connection.open_stream(["cat"])
    stream.close()
    stream.close()

    with pytest.raises(ConnectionLost):
        stream.send(b"x")
    with pytest.raises(ConnectionLost):
        stream.receive(deadline_seconds=1)


def test_closing_the_connection_closes_its_streams(connection):
    stream = connection.open_stream(["cat"])
    connection.close()
    connection.close()

    with pytest.raises(ConnectionLost):
        stream.receive(deadline_seconds=2)
    with pytest.raises(ConnectionLost):
        connection.open_stream(["true"])


def test_commands_get_none_of_our_own_environment(connection, monkeypatch):
    monkeypatch.setenv("MATRIX_CANARY", "secret")
    stream = connection.open_stream(["env"])

    assert b"CANARY" not in read_all(stream)[0]
    stream.close()


def test_an_unknown_connection_names_those_that_are_known(workspace):
    with pytest.raises(UsageError, match=r"carrier-pigeon.*known: local, ssh"):
        connect(Host(name="h", connection="carrier-pigeon"), workspace=workspace)


def test_a_workspace_that_others_can_look_into_is_refused(workspace):
    workspace.chmod(0o755)
    with pytest.raises(UsageError, match="chmod 700"):
        connect(Host(name="h", connection="local"), workspace=workspace)


@pytest.mark.parametrize("user", ["plain", "noisy", "fishy", "cshell"])
def test_the_login_shell_and_its_noise_do_not_matter(sshd: Sshd, reach, user):
    stream = reach(sshd.host(user)).open_stream(["printf", "%s|", *AWKWARD])

    assert read_all(stream) == ("|".join([*AWKWARD, ""]).encode(), b"")
    stream.close()


def test_an_account_without_a_shell_is_told_apart(sshd: Sshd, reach):
    stream = reach(sshd.host("nobodyhome")).open_stream(["true"])
    with pytest.raises(HostError, match="login shell runs no commands: This account"):
        stream.receive(deadline_seconds=PATIENCE_SECONDS)
    stream.close()
