"""The kept shell over streams that exist in memory."""

import re
from collections.abc import Callable, Iterator

import pytest

from matrix.core.errors import ConnectionLost, DeadlineExceeded, EngineLost
from matrix.core.ports import STDERR, STDOUT, Chunk
from matrix.hosts.shell import KeptShell

Answer = Callable[[str], Iterator[Chunk | Exception | None]]


class FakeStream:
    """Answers every frame it is sent as *answer* says; None is the end."""

    def __init__(self, answer: Answer) -> None:
        self.closed = False
        self._answer = answer
        self._waiting: list[Chunk | Exception | None] = []

    def send(self, data: bytes) -> None:
        text = data.decode()
        started = re.match(r"export MATRIX_SHELL=(\w+)", text)
        if started:
            self._waiting.append(Chunk(source=STDOUT, data=f"{started[1]}<\n".encode()))
        elif done := re.search(r"^done=(\w+)$", text, re.MULTILINE):
            self._waiting.append(Chunk(source=STDOUT, data=f"{done[1]}.\n".encode()))
        else:
            self._waiting += self._answer(re.search(r"'(\w+)<", text)[1])

    def receive(self, *, deadline_seconds: float) -> Chunk | None:
        if not self._waiting:
            raise DeadlineExceeded
        first = self._waiting.pop(0)
        if isinstance(first, Exception):
            raise first
        return first

    def later(self, chunk: Chunk | Exception | None) -> None:
        self._waiting.append(chunk)

    def close(self) -> None:
        self.closed = True


def good(nonce: str, *, status: int = 0, out: str = "out", child: str = "") -> Iterator[Chunk]:
    yield Chunk(source=STDERR, data=f"{nonce}<\n{nonce}>{status}\n".encode())
    text = f"{nonce}<\n{out}{nonce}&{child}\n{nonce}>{status}\n"
    yield Chunk(source=STDOUT, data=text.encode())


class Opened:
    """A factory that remembers the streams it made."""

    def __init__(self, *answers: Answer) -> None:
        self.streams: list[FakeStream] = []
        self._answers = list(answers)

    def __call__(self) -> FakeStream:
        last = len(self._answers) - 1
        self.streams.append(FakeStream(self._answers[min(len(self.streams), last)]))
        return self.streams[-1]


def run(shell: KeptShell):
    return shell.run("command", deadline_seconds=1)


def test_one_stream_serves_many_commands():
    opened = Opened(good)
    shell = KeptShell(opened)
    results = [run(shell) for _ in range(3)]

    assert [(each.stdout, each.exit_status) for each in results] == [(b"out", 0)] * 3
    assert len(opened.streams) == 1


@pytest.mark.parametrize(
    ("spoilt", "error"),
    [
        (None, ConnectionLost),
        (EngineLost("gone"), EngineLost),
        (ConnectionLost("gone"), ConnectionLost),
    ],
)
def test_a_stream_that_ends_in_the_middle_never_gives_a_status(spoilt, error):
    def half(nonce: str) -> Iterator[Chunk | Exception | None]:
        yield Chunk(source=STDERR, data=f"{nonce}<\n{nonce}>0\n".encode())
        yield Chunk(source=STDOUT, data=f"{nonce}<\npart".encode())
        yield spoilt

    opened = Opened(half, good)
    shell = KeptShell(opened)
    with pytest.raises(error):
        run(shell)

    assert opened.streams[0].closed
    assert run(shell).stdout == b"out"


def test_both_outputs_must_have_ended():
    def without_stderr(nonce: str) -> Iterator[Chunk | Exception | None]:
        yield list(good(nonce))[1]
        yield None

    with pytest.raises(ConnectionLost):
        run(KeptShell(Opened(without_stderr)))


def test_a_child_in_the_background_costs_the_shell():
    def with_child(nonce: str) -> Iterator[Chunk | Exception | None]:
        return good(nonce, child="123")

    opened = Opened(with_child, good)
    shell = KeptShell(opened)
    run(shell)

    assert opened.streams[0].closed
    assert run(shell).stdout == b"out"
    assert len(opened.streams) == 2


def test_bytes_between_two_commands_cost_the_shell_and_are_seen_by_nobody():
    opened = Opened(good)
    shell = KeptShell(opened)
    run(shell)
    opened.streams[0].later(Chunk(source=STDOUT, data=b"STRAY"))

    assert run(shell).stdout == b"out"
    assert len(opened.streams) == 2


def test_a_shell_that_ended_between_two_commands_is_replaced():
    opened = Opened(good)
    shell = KeptShell(opened)
    run(shell)
    opened.streams[0].later(None)

    assert run(shell).stdout == b"out"


def test_a_connection_lost_between_two_commands_is_not_hidden():
    opened = Opened(good)
    shell = KeptShell(opened)
    run(shell)
    opened.streams[0].later(ConnectionLost("cut off"))

    with pytest.raises(ConnectionLost, match="cut off"):
        run(shell)


def test_past_the_deadline_a_second_shell_kills_and_the_first_is_closed():
    def silent(nonce: str) -> Iterator[Chunk | Exception | None]:
        return iter(())

    opened = Opened(silent, good)
    shell = KeptShell(opened)
    with pytest.raises(DeadlineExceeded):
        run(shell)

    assert [stream.closed for stream in opened.streams] == [True, True]
    assert run(shell).stdout == b"out"


def test_closing_ends_what_was_left_in_the_background():
    def with_child(nonce: str) -> Iterator[Chunk | Exception | None]:
        return good(nonce, child="7")

    opened = Opened(with_child)
    shell = KeptShell(opened)
    run(shell)
    shell.close()

    assert len(opened.streams) == 2
    assert all(stream.closed for stream in opened.streams)
