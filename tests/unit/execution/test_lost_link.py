"""What an attempt does with a host that is lost: one reason, and one try to clean up."""

import time
from dataclasses import replace

from builders.hosts import World, a_planned_cell, found

from matrix.core.errors import ConnectionLost, EngineError, MatrixError, Unreachable
from matrix.core.model import CellId
from matrix.core.ports import CellAccess, Connection, Event
from matrix.core.result import CellResult, ProbeResult, Side
from matrix.core.verdict import Verdict
from matrix.execution import host
from matrix.execution.pool import Pool
from matrix.execution.toolbox import Toolbox

QUEUE_QA = CellId(service="queue", environment="qa")


class Cut:
    """A host that is lost at the first command of a probe and never comes back."""

    def __init__(self) -> None:
        self.world = World()
        self.world.prober.probes["queue/x"] = self._probe
        self.reached = 0

    def tools(self) -> Toolbox:
        tools = self.world.tools()

        def connect(*args: object) -> Connection:
            self.reached += 1
            if self.world.tether.lost is not None:
                raise Unreachable("no route to qa-1")
            return tools.connect(*args)  # type: ignore[arg-type]

        return replace(tools, connect=connect)

    def _probe(self, access: CellAccess) -> ProbeResult:
        self.world.tether.lost = ConnectionLost("silent for 8 s")
        try:
            access.run(side=Side.OUTSIDE, target="", command="true", deadline_seconds=1)
        except MatrixError as error:
            return found("queue/x", Verdict.ERROR, error.reason)
        return found("queue/x")


def measure(cut: Cut, *, retries: int, **service: object) -> CellResult:
    order = replace(cut.world.order, retries=retries)
    Pool(cut.tools(), order).run(cut.world.plan(a_planned_cell("queue/x", **service)))
    result = cut.world.store.load_cell("r1", QUEUE_QA)
    assert result is not None
    return result


def test_a_host_lost_in_a_probe_is_not_opened_again_for_the_same_attempt() -> None:
    result = measure(Cut(), retries=0)
    assert (result.verdict, result.reason) == (Verdict.ERROR, "conn-lost")
    assert result.message == "silent for 8 s"


def test_a_lost_host_is_not_asked_again_for_every_object() -> None:
    cut = Cut()
    measure(cut, retries=0)
    assert cut.reached == 2, "once at the beginning, once when it was lost"


def test_a_retry_waits_for_a_lost_host_and_then_asks_it_again(monkeypatch) -> None:
    monkeypatch.setattr(host, "REOPEN_SECONDS", 0.3)
    cut, began = Cut(), time.monotonic()
    result = measure(cut, retries=1)
    assert [one.reason for one in result.attempts] == ["conn-lost", "unreachable"]
    assert cut.reached == 3, "at the beginning, when it was lost, and by the retry"
    assert time.monotonic() - began >= 0.3


def test_a_retry_waits_no_longer_than_its_cell_may_take(monkeypatch) -> None:
    monkeypatch.setattr(host, "REOPEN_SECONDS", 3600.0)
    cut = Cut()
    measure(cut, retries=1, deadline_seconds=0.2)
    assert cut.reached == 2, "nothing is reopened sooner than after the back-off"


def test_a_run_that_is_to_end_waits_for_no_host(monkeypatch) -> None:
    monkeypatch.setattr(host, "REOPEN_SECONDS", 3600.0)
    cut = Cut()

    def drain(event: Event) -> None:
        if event.kind == "retry":
            cut.world.halt.drain()

    tools = replace(cut.tools(), watch=drain)
    Pool(tools, cut.world.order).run(cut.world.plan(a_planned_cell("queue/x")))
    assert cut.world.store.load_cell("r1", QUEUE_QA) is None


def test_logs_that_cannot_be_read_say_why() -> None:
    world = World()
    world.engine.raises["logs"] = EngineError("no driver")
    Pool(world.tools(), world.order).run(world.plan(a_planned_cell("queue/x")))
    result = world.store.load_cell("r1", QUEUE_QA)
    assert result is not None
    assert result.verdict is Verdict.PASSED
    lost = measure(Cut(), retries=0)
    assert lost.attempts[0].logs == {"": "(no log: silent for 8 s)"}
