"""A run that is told to stop, over hosts that exist in memory."""

import threading
import time
from dataclasses import replace

import pytest
from builders.hosts import FakeConnection, World, a_planned_cell, found

from matrix.core.errors import Cancelled, ConnectionLost, DeadlineExceeded, StoreError, Unreachable
from matrix.core.ports import CellAccess, Chunk
from matrix.core.result import ProbeResult
from matrix.core.verdict import Verdict
from matrix.execution.halting import HaltingStream, cut_when_late
from matrix.execution.host import HostSession
from matrix.execution.pool import Pool
from matrix.execution.toolbox import Halt


class Silence:
    """A stream on which nothing ever comes."""

    def __init__(self, *chunks: Chunk) -> None:
        self.chunks = list(chunks)
        self.asked: list[float] = []

    def send(self, data: bytes) -> None:
        del data

    def receive(self, *, deadline_seconds: float) -> Chunk | None:
        self.asked.append(deadline_seconds)
        if self.chunks:
            return self.chunks.pop(0)
        time.sleep(min(deadline_seconds, 0.01))
        raise DeadlineExceeded

    def close(self) -> None:
        pass


def test_a_command_is_not_waited_for_once_the_run_is_halted() -> None:
    halt = Halt()
    halt.drain()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        HaltingStream(Silence(), halt).receive(deadline_seconds=900)
    assert time.monotonic() - began < 90


def test_what_has_come_already_is_given_even_to_a_halted_run() -> None:
    halt = Halt()
    halt.drain()
    chunk = Chunk(source=1, data=b"x")
    assert HaltingStream(Silence(chunk), halt).receive(deadline_seconds=1) == chunk


def test_a_short_look_at_a_stream_stays_a_short_look() -> None:
    halt = Halt()
    halt.drain()
    with pytest.raises(DeadlineExceeded):
        HaltingStream(Silence(), halt).receive(deadline_seconds=0)


def test_what_goes_on_too_long_after_a_halt_is_cut() -> None:
    halt, cut = Halt(), threading.Event()
    halt.drain()
    with cut_when_late(halt, cut.set, seconds=0.01):
        assert cut.wait(90)


def test_what_ends_in_time_is_not_cut() -> None:
    halt, cut = Halt(), threading.Event()
    with cut_when_late(halt, cut.set, seconds=900):
        halt.drain()
    assert not cut.is_set()


def test_a_host_that_was_let_go_of_is_never_opened_again() -> None:
    world = World()
    planned = a_planned_cell()
    session = HostSession(
        world.tools(), planned.environment, planned.environment.hosts[0], run="r1"
    )
    session.cut()
    with pytest.raises(ConnectionLost, match="let go of"):
        session.link()


def test_an_interrupted_cell_is_neither_recorded_nor_blamed_on_the_host() -> None:
    world = World()

    def probe(_: CellAccess) -> ProbeResult:
        world.halt.interrupt()
        return found("queue/x", Verdict.ERROR, "conn-lost")

    world.prober.probes["queue/x"] = probe
    cells = a_planned_cell("queue/x"), a_planned_cell("queue/x", environment="prod")
    Pool(world.tools(), world.order).run(world.plan(*cells))
    run = world.store.load("r1")
    assert run is not None
    told = {str(one.result.cell): one.result.verdict for one in world.events if one.result}
    assert told["queue@qa"] is Verdict.MISSING
    assert "queue@qa" not in {str(result.cell) for result in run.results}
    assert world.engine.objects == {}


def test_a_run_interrupted_before_a_host_was_measured_finds_nothing_about_it() -> None:
    world = World()
    world.halt.interrupt()
    Pool(world.tools(), world.order).run(world.plan(a_planned_cell("queue/x")))
    run = world.store.load("r1")
    assert run is not None
    assert (run.findings, run.results) == ((), ())
    assert [event.text for event in world.events if event.kind == "cell"] == ["cancelled"]


def test_a_store_that_is_full_while_a_host_is_examined_is_not_the_hosts_fault() -> None:
    world = World()
    world.unhealthy = StoreError("the disk is full")
    with pytest.raises(StoreError):
        Pool(world.tools(), world.order).run(world.plan(a_planned_cell("queue/x")))


def test_containers_go_even_when_the_journal_takes_nothing_more() -> None:
    world = World()

    def probe(_: CellAccess) -> ProbeResult:
        def refuse(entry: int) -> None:
            raise StoreError(f"the disk is full: {entry}")

        world.store.forget = refuse  # type: ignore[method-assign]
        return found("queue/x")

    world.prober.probes["queue/x"] = probe
    Pool(world.tools(), world.order).run(world.plan(a_planned_cell("queue/x")))
    assert world.engine.objects == {}


def test_a_host_that_is_lost_is_not_waited_for_again_and_again() -> None:
    world = World()
    tries = []

    def connect(*_: object) -> FakeConnection:
        tries.append(1)
        raise Unreachable("no route to qa-1")

    planned = a_planned_cell()
    session = HostSession(
        replace(world.tools(), connect=connect),
        planned.environment,
        planned.environment.hosts[0],
        run="r1",
    )
    for _ in range(3):
        with pytest.raises(Unreachable):
            session.link()
    assert len(tries) == 1
