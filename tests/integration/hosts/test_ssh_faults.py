"""Hosts that say nothing, too little or too much, and connections that break."""

import os
import signal
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from builders.sshd import Sshd, read_all, wait_until
from builders.tarpits import drip, greet_and_stop, hang_up, server, stay_mute, talk_http

from matrix.core.errors import ConnectionLost, DeadlineExceeded, HostError, Unreachable
from matrix.core.model import Host, SshAddress
from matrix.hosts import KeptShell


@pytest.mark.parametrize("talk", [stay_mute, drip, greet_and_stop, hang_up, talk_http])
def test_a_server_that_never_gets_to_the_point_is_an_error_in_time(talk, reach):
    with server(talk) as address:
        before = time.monotonic()
        with pytest.raises(Unreachable):
            reach(Host(name="tarpit", connection="ssh", ssh=address), deadline_seconds=2)

        assert time.monotonic() - before < 3 * 2
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
    connection = reach(lone_sshd.host(), deadline_seconds=4)
    session = lone_sshd.children()
    for pid in session:
        os.kill(pid, signal.SIGSTOP)
    before = time.monotonic()
    with pytest.raises(HostError):
        connection.open_stream(["true"])

    assert time.monotonic() - before < 3 * 4


def test_a_session_killed_in_the_middle_of_a_command_is_a_lost_connection(lone_sshd, reach):
    lone_sshd.start()
    connection = reach(lone_sshd.host())
    shell = KeptShell(lambda: connection.open_stream(["sh"]))
    shell.run("true", deadline_seconds=10)

    def kill_session() -> None:
        for pid in lone_sshd.children():
            os.kill(pid, signal.SIGKILL)

    threading.Timer(0.3, kill_session).start()
    before = time.monotonic()
    with pytest.raises(ConnectionLost):
        shell.run("sleep 5; echo no", deadline_seconds=20)

    assert time.monotonic() - before < 5
    assert shell.run("echo again", deadline_seconds=10).stdout == b"again\n"
    shell.close()


def test_a_stream_that_was_lost_does_not_look_like_the_end_of_a_command(lone_sshd, reach):
    lone_sshd.start()
    stream = reach(lone_sshd.host()).open_stream(["sh", "-c", "echo half; sleep 5"])
    assert stream.receive(deadline_seconds=10).data == b"half\n"
    for pid in lone_sshd.children():
        os.kill(pid, signal.SIGKILL)

    with pytest.raises(ConnectionLost):
        stream.receive(deadline_seconds=10)


def test_the_host_reads_nothing_and_says_nothing_but_closing_still_ends(lone_sshd, reach):
    lone_sshd.start()
    connection = reach(lone_sshd.host())
    stream = connection.open_stream(["cat"])
    for pid in lone_sshd.children():
        os.kill(pid, signal.SIGSTOP)
    before = time.monotonic()
    stream.close()
    connection.close()

    assert time.monotonic() - before < 5


@pytest.mark.parametrize("told", [2, 10], ids=["told so", "not told"])
def test_two_sessions_on_each_of_two_connections_are_enough(lone_sshd: Sshd, reach, told):
    lone_sshd.start("MaxSessions=2")
    connection = reach(lone_sshd.host(max_sessions=told), deadline_seconds=4)
    streams = [connection.open_stream(["cat"]) for _ in range(4)]
    for number, stream in enumerate(streams):
        stream.send(b"%d" % number)
        assert stream.receive(deadline_seconds=10).data == b"%d" % number
    assert lone_sshd.log().count("Accepted publickey") == 2

    with pytest.raises(DeadlineExceeded, match="all sessions of 2 SSH connections are in use"):
        connection.open_stream(["true"])
    threading.Timer(0.5, streams[0].close).start()
    assert read_all(connection.open_stream(["echo", "room"]))[0] == b"room\n"
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
    connection = reach(lone_sshd.host(max_sessions=2))
    answers = []

    def work(number: int) -> None:
        stream = connection.open_stream(["echo", str(number)])
        answers.append(read_all(stream)[0])
        stream.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

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
