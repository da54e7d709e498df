"""Whose silence it is: the host's, or that of a machine of ours that stood still."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from matrix.core.errors import ConnectionLost, DeadlineExceeded
from matrix.core.ports import STDOUT, Chunk
from matrix.hosts import Tether

#: A moment of which nobody is woken, longer than a host may be silent here.
STANDSTILL_SECONDS = 1.0


class FakeHost:
    """A connection and its only stream; *receive* says what comes after a guard is ready."""

    def __init__(self, receive: Callable[["FakeHost", float], Chunk]) -> None:
        self.beats = 0
        self.closed = threading.Event()
        self._receive = receive
        self._ready = iter([Chunk(source=STDOUT, data=b"ready\n")])

    def open_stream(self, argv: object) -> "FakeHost":
        del argv
        return self

    def send(self, data: bytes) -> None:
        self.beats += data == b"beat\n"

    def receive(self, *, deadline_seconds: float) -> Chunk:
        return next(self._ready, None) or self._receive(self, deadline_seconds)

    def close(self) -> None:
        self.closed.set()


def tied(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> Tether:
    monkeypatch.setattr("matrix.hosts.tether.GRACE_SECONDS", STANDSTILL_SECONDS / 4)
    monkeypatch.setattr("matrix.hosts.tether.CLOSE_SECONDS", 0.01)
    beat = STANDSTILL_SECONDS / 8
    return Tether(host, run="r1.0", engine="docker", sudo=False, beat_seconds=beat)  # type: ignore[arg-type]


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + 90
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_machine_of_ours_that_stood_still_is_not_the_hosts_silence(monkeypatch):
    answers: Iterator[int] = itertools.count()

    def receive(_: FakeHost, seconds: float) -> Chunk:
        if next(answers) == 1:
            time.sleep(seconds + STANDSTILL_SECONDS)
            raise DeadlineExceeded
        time.sleep(min(seconds, 0.05))
        return Chunk(source=STDOUT, data=b"beat\n")

    host = FakeHost(receive)
    tether = tied(host, monkeypatch)
    wait_until(lambda: host.beats > 5)
    tether.check()
    assert not host.closed.is_set()
    tether.close()


def test_a_host_that_says_nothing_while_we_listen_is_lost(monkeypatch):
    def receive(_: FakeHost, seconds: float) -> Chunk:
        time.sleep(seconds)
        raise DeadlineExceeded

    host = FakeHost(receive)
    tether = tied(host, monkeypatch)
    wait_until(host.closed.is_set)
    with pytest.raises(ConnectionLost, match="no sign of life"):
        tether.check()
    tether.close()


def test_a_line_that_takes_no_more_is_lost(monkeypatch):
    held = threading.Event()

    def receive(_: FakeHost, seconds: float) -> Chunk:
        time.sleep(seconds)
        raise DeadlineExceeded

    class Full(FakeHost):
        def send(self, data: bytes) -> None:
            if data == b"beat\n":
                held.wait()

    tether = tied(Full(receive), monkeypatch)

    def lost() -> bool:
        try:
            tether.check()
        except ConnectionLost:
            return True
        return False

    wait_until(lost)
    held.set()
    tether.close()
