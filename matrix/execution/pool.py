"""A whole plan: environments side by side, cells within each up to its own limit."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from matrix.core.errors import Cancelled, MatrixError, StoreError, Unhealthy
from matrix.core.model import Environment
from matrix.core.names import LABEL_TETHER, run_label
from matrix.core.plan import Plan, PlannedCell
from matrix.core.ports import Event
from matrix.core.result import CellResult, EnvironmentFinding, Fault, HostFinding, Leftover
from matrix.core.verdict import Verdict
from matrix.execution.cache import trim_image_cache
from matrix.execution.cell import run_cell
from matrix.execution.halting import LOOK_SECONDS, cut_when_late
from matrix.execution.host import HostSession
from matrix.execution.remedies import SWEEP
from matrix.execution.slots import Slots
from matrix.execution.toolbox import RunOrder, Toolbox


@dataclass(slots=True)
class Tally:
    """What a run has so far; filled from several threads."""

    leftovers: list[Leftover] = field(default_factory=list)
    #: The first error of the store: nothing more is started after it.
    store_error: StoreError | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Pool:
    """Runs a plan; results go to the run log as they come, events to the watcher."""

    def __init__(self, tools: Toolbox, order: RunOrder) -> None:
        self._tools = tools
        self._order = order
        self._slots = Slots(order.parallel)
        self._tally = Tally()
        self._sessions: list[HostSession] = []
        #: What the audit of reused answers found, for people.
        self.differences: list[str] = []

    def run(self, plan: Plan) -> tuple[Leftover, ...]:
        """Run every cell of *plan*; returns what stayed on a host.

        Raises StoreError when results can no longer be kept; by then everything is cleaned up.
        """
        columns: dict[str, list[PlannedCell]] = {}
        for planned in plan.cells:
            columns.setdefault(planned.environment.name, []).append(planned)
        self._slots.expect(columns)
        with (
            cut_when_late(self._tools.halt, self._cut),
            ThreadPoolExecutor(max_workers=max(1, len(columns)), thread_name_prefix="env") as pool,
        ):
            futures = [pool.submit(self._run_column, cells) for cells in columns.values()]
            wait_until_done(futures)
        if self._tally.store_error is not None:
            raise self._tally.store_error
        return tuple(self._tally.leftovers)

    def _run_column(self, cells: Sequence[PlannedCell]) -> None:
        environment = cells[0].environment
        sessions = [
            HostSession(self._tools, environment, host, run=self._order.run)
            for host in environment.hosts
        ]
        self._sessions.extend(sessions)
        try:
            cells, fault = self._look_before(environment, cells, sessions)
            if fault is not None:
                self._blame_environment(cells, fault, sessions)
            if fault is not None or not cells:
                return
            with ThreadPoolExecutor(environment.limits.parallel_cells) as pool:
                wait_until_done(
                    [pool.submit(self._run_one, planned, sessions) for planned in cells]
                )
            self._trim_caches(self._look_for_leftovers(sessions))
        except StoreError as error:
            self._stop_for_store(error)
        except Cancelled:
            self._cancel(cells, sessions)
        finally:
            self._slots.give_up(environment.name)
            for session in sessions:
                session.close()

    def _cut(self) -> None:
        """Let go of every host; their tethers clean up."""
        for session in list(self._sessions):
            session.cut()
            text = "takes too long to end what runs there: let go of it, its tether cleans up"
            self._tell(session.environment.name, "note", text)

    def _look_before(
        self,
        environment: Environment,
        cells: Sequence[PlannedCell],
        sessions: Sequence[HostSession],
    ) -> tuple[Sequence[PlannedCell], Fault | None]:
        """The cells that have to be measured, and what is wrong with the environment.

        Where all of them may be taken over, the hosts are only asked for their facts.
        """
        maybe = self._order.kept.keys() - self._order.audited
        if all(planned.cell in maybe for planned in cells):
            finding = self._find_out(environment, sessions, HostSession.survey)
            cells = self._take_over(cells, sessions) if finding.fault is None else cells
            if finding.fault is not None or not cells:
                return cells, finding.fault
        finding = self._find_out(environment, sessions, HostSession.examine)
        if finding.fault is None:
            cells = self._take_over(cells, sessions)
        return cells, finding.fault

    def _take_over(
        self, cells: Sequence[PlannedCell], sessions: Sequence[HostSession]
    ) -> Sequence[PlannedCell]:
        """Keep the answers that still hold; returns the cells without one."""
        rest = []
        for planned in cells:
            kept = self._still_true(planned, sessions)
            if kept is None or planned.cell in self._order.audited:
                rest.append(planned)
            else:
                self._record(kept)
        return rest

    def _still_true(
        self, planned: PlannedCell, sessions: Sequence[HostSession]
    ) -> CellResult | None:
        kept = self._order.kept.get(planned.cell)
        prints = [session.fingerprint for session in sessions]
        return kept if kept and all(prints) and kept.fingerprint == "+".join(prints) else None

    def _find_out(
        self,
        environment: Environment,
        sessions: Sequence[HostSession],
        look: Callable[[HostSession], HostFinding],
    ) -> EnvironmentFinding:
        self._tell(environment.name, "environment", "connecting, measuring, checking health")
        finding = EnvironmentFinding(
            environment=environment.name, hosts=tuple(look(session) for session in sessions)
        )
        self._tools.log.record_finding(self._order.run, finding)
        fault = finding.fault
        said = "ready" if fault is None else f"cannot be used: {fault.message}"
        self._tell(environment.name, "environment", said)
        return finding

    def _blame_environment(
        self, cells: Sequence[PlannedCell], fault: Fault, sessions: Sequence[HostSession]
    ) -> None:
        """One finding on the column: its cells are ERROR for that one reason."""
        message = f"{cells[0].environment.title}: {fault.message}"
        for planned in cells:
            self._record(self._result(planned, Verdict.ERROR, Unhealthy.reason, message, sessions))

    def _run_one(self, planned: PlannedCell, sessions: Sequence[HostSession]) -> None:
        with self._slots.take(planned.environment.name):
            if self._tools.halt.draining:
                self._cancel([planned], sessions)
                return
            try:
                measured = run_cell(self._tools, self._order, planned, sessions)
                with self._tally.lock:
                    self._tally.leftovers.extend(measured.leftovers)
                if self._tools.halt.draining and measured.result.verdict is Verdict.ERROR:
                    # It may well be the end of the run that it ran into.
                    self._cancel([planned], sessions)
                else:
                    self._record(measured.result)
                    self._audit(planned, measured.result, sessions)
            except StoreError as error:
                self._stop_for_store(error)

    def _audit(
        self, planned: PlannedCell, result: CellResult, sessions: Sequence[HostSession]
    ) -> None:
        """Say loudly when an answer would have been taken over that is not true any more."""
        kept = self._still_true(planned, sessions)
        if planned.cell not in self._order.audited or kept is None:
            return
        if result.verdict is not kept.verdict:
            text = (
                f"AUDIT: {planned.cell} is {result.verdict.value}, but would have been taken over "
                f"as {kept.verdict.value} from run {kept.reused_from}, with nothing changed that "
                "we know of: do not trust what is reused (matrix run --fresh)"
            )
            self._tell(planned.environment.name, "note", text)
            with self._tally.lock:
                self.differences.append(text)

    def _cancel(self, cells: Sequence[PlannedCell], sessions: Sequence[HostSession]) -> None:
        """Say that cells were not measured because the run ended before."""
        verdict, reason, message = Cancelled.verdict, Cancelled.reason, str(Cancelled())
        for planned in cells:
            self._record(self._result(planned, verdict, reason, message, sessions))

    def _record(self, result: CellResult) -> None:
        """Keep a result; one that was cut short by the end of the run is left to a resume."""
        if result.verdict is Verdict.MISSING and result.reason == Cancelled.reason:
            self._tell(result.cell.environment, "cell", "cancelled", result=result)
            return
        self._tools.log.record_cell(self._order.run, result)
        self._tell(result.cell.environment, "cell", result.message, result=result)
        if self._order.fail_fast and result.verdict is Verdict.FAILED:
            self._tools.halt.drain()

    def _look_for_leftovers(self, sessions: Sequence[HostSession]) -> Sequence[HostSession]:
        """Say by listing, not by assuming, that nothing is left; returns the hosts that answer."""
        answering = []
        for session in sessions:
            try:
                link = session.link()
                ours = link.engine.list_objects(label=run_label(self._order.run))
            except MatrixError as error:
                name = session.environment.name
                self._tell(name, "note", f"cannot list what is left there: {error}")
                continue
            answering.append(session)
            for one in ours:
                if one.labels.get(LABEL_TETHER) != link.token:
                    continue
                leftover = Leftover(
                    environment=session.environment.name,
                    host=session.host.name,
                    kind=one.kind,
                    id=one.id,
                    name=one.name,
                    remedy=SWEEP,
                )
                with self._tally.lock:
                    self._tally.leftovers.append(leftover)
        return answering

    def _trim_caches(self, sessions: Sequence[HostSession]) -> None:
        """Keep what we leave on each host on purpose within its limit."""
        in_use = set(self._order.image_ids.values())
        for session in sessions:
            name = session.environment.name
            try:
                gone = trim_image_cache(self._tools, session, run=self._order.run, in_use=in_use)
            except StoreError:
                raise
            except MatrixError as error:
                self._tell(name, "note", f"cannot look through the image cache: {error}")
                continue
            if gone:
                self._tell(name, "note", f"removed {len(gone)} images from the cache: it was full")

    def _stop_for_store(self, error: StoreError) -> None:
        with self._tally.lock:
            self._tally.store_error = self._tally.store_error or error
        self._tools.halt.drain()

    def _result(
        self,
        planned: PlannedCell,
        verdict: Verdict,
        reason: str,
        message: str,
        sessions: Sequence[HostSession],
    ) -> CellResult:
        return CellResult(
            cell=planned.cell,
            verdict=verdict,
            reason=reason,
            message=message,
            image_id=self._order.image_ids[planned.service.image],
            fingerprint="+".join(session.fingerprint for session in sessions),
            probes_digest=self._order.probes_digests[planned.service.name],
            settings_digest=self._order.settings_digests.get(planned.cell, ""),
            finished_at=self._tools.now(),
        )

    def _tell(
        self, environment: str, kind: str, text: str, *, result: CellResult | None = None
    ) -> None:
        service = result.cell.service if result else ""
        self._tools.watch(
            Event(kind=kind, environment=environment, service=service, text=text, result=result)
        )


# Any: what the futures are of is no business of this.
def wait_until_done(futures: Sequence["Future[Any]"]) -> None:
    """Wait for all; what one of them raised is raised once the others have ended too."""
    waiting: set[Future[Any]] = set(futures)
    while waiting:
        # Any thread may be given a signal, and its handler only runs once the main one wakes up.
        waiting = wait(waiting, timeout=LOOK_SECONDS).not_done
    errors = [error for done in futures if (error := done.exception())]
    if errors:
        raise errors[0]
