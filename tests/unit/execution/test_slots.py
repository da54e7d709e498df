"""Cells of all environments share the slots so that no environment is left behind."""

import threading
import time
from collections.abc import Sequence

import pytest

from matrix.execution.slots import Slots

SECONDS = 90


class Column:
    """Cells that wait for a slot, in threads of their own, and hold it until they are let go."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self._threads: list[threading.Thread] = []
        self._let_go: dict[str, threading.Event] = {}
        self.running: list[str] = []

    def start(self, cell: str) -> None:
        """Have ``queue@qa`` wait for a slot, and wait until it does."""
        self._let_go[cell] = threading.Event()
        thread = threading.Thread(target=self._run, args=(cell,))
        self._threads.append(thread)
        thread.start()
        environment = cell.partition("@")[2]
        self._until(lambda: cell in self.running or bool(self.slots._waiting[environment]))

    def end(self, cell: str) -> None:
        """Let a running cell go."""
        self._let_go[cell].set()

    def runs(self, *cells: str) -> bool:
        """Whether exactly these run, now or soon."""
        return self._until(lambda: sorted(self.running) == sorted(cells))

    def end_all(self) -> None:
        for event in self._let_go.values():
            event.set()
        for thread in self._threads:
            thread.join(SECONDS)

    def _run(self, cell: str) -> None:
        with self.slots.take(cell.partition("@")[2]):
            self.running.append(cell)
            self._let_go[cell].wait()
            self.running.remove(cell)

    @staticmethod
    def _until(true: object) -> bool:
        until = time.monotonic() + SECONDS
        while not true() and time.monotonic() < until:  # type: ignore[operator]
            time.sleep(0.001)
        return bool(true())  # type: ignore[operator]


@pytest.fixture
def column(request: pytest.FixtureRequest) -> object:
    made = Column(Slots(request.param))
    yield made
    made.end_all()


def _start(column: Column, cells: Sequence[str]) -> None:
    for cell in cells:
        column.start(cell)


@pytest.mark.parametrize("column", [2], indirect=True)
def test_no_more_cells_run_at_once_than_there_are_slots(column):
    _start(column, ["queue@qa", "web@qa", "api@qa"])
    assert column.runs("queue@qa", "web@qa")
    column.end("queue@qa")
    assert column.runs("web@qa", "api@qa")


@pytest.mark.parametrize("column", [2], indirect=True)
def test_an_environment_with_nothing_running_comes_before_one_that_waited_longer(column):
    _start(column, ["queue@qa", "web@qa", "api@qa", "queue@production"])
    column.end("queue@qa")
    assert column.runs("web@qa", "queue@production")


@pytest.mark.parametrize("column", [1], indirect=True)
def test_a_cell_that_breaks_gives_its_slot_back(column):
    with pytest.raises(ZeroDivisionError), column.slots.take("qa"):
        1 / 0  # noqa: B018
    column.start("queue@qa")
    assert column.runs("queue@qa")


@pytest.mark.parametrize("column", [3], indirect=True)
def test_a_slot_is_kept_for_an_environment_that_is_still_examined(column):
    column.slots.expect(["qa", "production"])
    _start(column, ["queue@qa", "web@qa", "api@qa"])
    assert column.runs("queue@qa", "web@qa")
    column.start("queue@production")
    assert column.runs("queue@qa", "web@qa", "queue@production")


@pytest.mark.parametrize("column", [2], indirect=True)
def test_no_slot_is_kept_for_an_environment_that_gives_up(column):
    column.slots.expect(["qa", "production"])
    _start(column, ["queue@qa", "web@qa"])
    assert column.runs("queue@qa")
    column.slots.give_up("production")
    assert column.runs("queue@qa", "web@qa")


@pytest.mark.parametrize("column", [1], indirect=True)
def test_with_one_slot_everything_still_comes_to_its_turn(column):
    column.slots.expect(["qa", "production", "customer"])
    column.start("queue@qa")
    assert column.runs("queue@qa")
    column.end("queue@qa")
    column.start("web@qa")
    assert column.runs("web@qa")
