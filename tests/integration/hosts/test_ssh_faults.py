"""Hosts that say nothing, too little or too much, and connections that break."""

import signal
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from builders.sshd import PATIENCE_SECONDS, Sshd, read_all, wait_until
from builders.stopwatch import Stopwatch
from builders.tarpits import drip, greet_and_stop, hang_up, server, stay_mute, talk_http

from matrix.core.errors import ConnectionLost, DeadlineExceeded, HostError, Unreachable
from matrix.core.model import Host, SshAddress
from matrix.hosts import KeptShell

#: What a host that has fallen silent is given in these tests.
SILENCE_SECONDS = 2.0


def hurry(connection) -> None:
    """From now on each call ends soon: what came before may take as long as a machine needs."""
    connection._seconds = SILENCE_SECONDS


@pytest.mark.parametrize("talk", [stay_mute, drip, greet_and_stop, hang_up, talk_http])
def test_a_server_that_never_gets_to_the_point_is_an_error_in_time(talk, reach):
    with server(talk) as address:
        host = Host(name="tarpit", connection="ssh", ssh=address)
        with Stopwatch() as took, pytest.raises(Unreachable):
            reach(host, deadline_seconds=SILENCE_SECONDS)

        assert took.seconds < 3 * SILENCE_SECONDS
    wait_until(lambda: not [t for t in threading.enumerate() if "Transport" in repr(t)])


def test_nobody_listening_is_unreachable(reach):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        address = SshAddress(address="127.0.0.1", port=port, user="root")
        with pytest.raises(Unreachable, match="refused"):
            reach(Host(name="gone", connection="ssh", ssh=address))


def test_a_host_that_freezes_after_login_ends_in_time(lone_sshd: Sshd, reach):
    lone_sshd.start()
    connection = reach(lone_sshd.host())
    lone_sshd.signal_sessions(signal.SIGSTOP)
    hurry(connection)
    with Stopwatch() as took, pytest.raises(HostError):
        connection.open_stream(["true"])

    assert took.seconds < 3 * SILENCE_SECONDS


def test_a_session_killed_in_the_middle_of_a_command_is_a_lost_connection(lone_sshd, reach):
    lone_sshd.start()
    connection = reach(lone_sshd.host())
    shell = KeptShell(lambda: connection.open_stream(["sh"]))
    shell.run("true", deadline_seconds=PATIENCE_SECONDS)
    killing = threading.Timer(0.3, lone_sshd.signal_sessions, [signal.SIGKILL])
    killing.start()
    with Stopwatch() as took, pytest.raises(ConnectionLost):
        shell.run("sleep 900; echo no", deadline_seconds=2 * PATIENCE_SECONDS)

    killing.join()
    assert took.seconds < PATIENCE_SECONDS
    again = shell.run("echo again", deadline_seconds=PATIENCE_SECONDS)
    assert again.stdout == b"again\n"
    shell.close()


def test_a_stream_that_was_lost_does_not_look_like_the_end_of_a_command(lone_sshd, reach):
    lone_sshd.start()
    stream = reach(lone_sshd.host()).open_stream(["sh", "-c", "echo half; sleep 900"])
    assert stream.receive(deadline_seconds=PATIENCE_SECONDS).data == b"half\n"
    lone_sshd.signal_sessions(signal.SIGKILL)

    with pytest.raises(ConnectionLost):
        stream.receive(deadline_seconds=PATIENCE_SECONDS)


def test_the_host_reads_nothing_and_says_nothing_but_closing_still_ends(lone_sshd, reach):
    lone_sshd.start()
    connection = reach(lone_sshd.host())
    stream = connection.open_stream(["cat"])
    lone_sshd.signal_sessions(signal.SIGSTOP)
    with Stopwatch() as took:
        stream.close()
        connection.close()

    assert took.seconds < 5


@pytest.mark.parametrize("told", [2, 10], ids=["told so", "not told"])
def test_two_sessions_on_each_of_two_connections_are_enough(lone_sshd: Sshd, reach, told):
    lone_sshd.start("MaxSessions=2")
    connection = reach(lone_sshd.host(max_sessions=told), deadline_seconds=PATIENCE_SECONDS)
    streams = [connection.open_stream(["cat"]) for _ in range(4)]
    for number, stream in enumerate(streams):
        stream.send(b"%d" % number)
        assert stream.receive(deadline_seconds=PATIENCE_SECONDS).data == b"%d" % number
    assert lone_sshd.log().count("Accepted publickey") == 2

    hurry(connection)
    with pytest.raises(DeadlineExceeded, match="all sessions of 2 SSH connections are in use"):
        connection.open_stream(["true"])
    connection._seconds = PATIENCE_SECONDS
    closing = threading.Timer(0.5, streams[0].close)
    closing.start()
    assert read_all(connection.open_stream(["echo", "room"]))[0] == b"room\n"
    closing.join()
    assert lone_sshd.log().count("Accepted publickey") == 2
    for stream in streams:
        stream.close()


def test_a_second_connection_is_made_only_when_it_is_needed(lone_sshd: Sshd, reach):
    lone_sshd.start()
    connection = reach(lone_sshd.host())
    for _ in range(5):
        connection.open_stream(["true"]).close()

    assert lone_sshd.log().count("Accepted publickey") == 1


def test_many_threads_share_the_connections(lone_sshd: Sshd, reach):
    lone_sshd.start("MaxSessions=2")
    connection = reach(lone_sshd.host(max_sessions=2), deadline_seconds=PATIENCE_SECONDS)
    answers = []

    def work(number: int) -> None:
        stream = connection.open_stream(["echo", str(number)])
        answers.append(read_all(stream)[0])
        stream.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == sorted(b"%d\n" % number for number in range(12))
    assert lone_sshd.log().count("Accepted publickey") <= 2


def test_connections_leave_no_thread_and_no_file_open(sshd: Sshd, reach):
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    reach(sshd.host()).close()
    files, threads = open_files(), threading.active_count()
    for _ in range(5):
        connection = reach(sshd.host(ssh=replace(sshd.ssh(), jump=sshd.ssh("plain"))))
        connection.open_stream(["cat"])
        connection.close()

    # What earlier tests left behind may end meanwhile, so there may also be fewer.
    wait_until(lambda: open_files() <= files and threading.active_count() <= threads)
