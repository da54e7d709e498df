"""Looking on at what a container writes ends as soon as what is waited for was seen."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from matrix.core.ports import STDOUT, Chunk
from matrix.core.result import Json
from matrix.execution.access import CellAccess
from matrix.execution.toolbox import Halt


class Written:
    """A stream of what is written, which ends after that."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = list(pieces)
        self.closed = False

    def receive(self, *, deadline_seconds: float) -> Chunk | None:
        del deadline_seconds
        return Chunk(source=STDOUT, data=self._pieces.pop(0)) if self._pieces else None

    def close(self) -> None:
        self.closed = True


def attached(stream: Written, **arguments: Json) -> Json:
    engine = SimpleNamespace(attach=lambda _: stream)
    ensemble = SimpleNamespace(engine=engine, members={"": SimpleNamespace(id="abc", name="mx")})
    access = CellAccess(
        ensemble,
        SimpleNamespace(make_room=lambda: None),
        open_shell=lambda _: None,
        check_host=lambda: None,
        halt=Halt(),
    )
    return access.control(target="", verb="attach", arguments={"seconds": 5, **arguments})


@pytest.mark.parametrize("pieces", [[b"a line\n"], [b"a l", b"in", b"e\n"]], ids=["one", "three"])
def test_no_more_is_read_than_what_is_waited_for(pieces: list[bytes]) -> None:
    stream = Written([b"before\n", *pieces, b"after\n"])
    said = attached(stream, until="a line")
    assert (str(said).startswith("before\na line"), "after" in str(said)) == (True, False), said
    assert stream.closed


def test_without_that_all_is_read_that_comes() -> None:
    assert attached(Written([b"a line\n", b"after\n"])) == "a line\nafter\n"


def test_what_never_comes_is_waited_for_until_the_end() -> None:
    assert attached(Written([b"something else\n"]), until="a line") == "something else\n"
