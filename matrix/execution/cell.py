"""One cell: attempts on each host of its environment, until one tells us something."""

import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from matrix.core.errors import RETRYABLE, MatrixError
from matrix.core.fold import fold_hosts
from matrix.core.plan import PlannedCell
from matrix.core.ports import Event
from matrix.core.result import Attempt, CellResult, Leftover
from matrix.core.verdict import Verdict
from matrix.execution.attempt import AttemptRun, Finding
from matrix.execution.host import HostSession
from matrix.execution.toolbox import RunOrder, Toolbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A cell's result, and what its attempts could not remove."""

    result: CellResult
    leftovers: tuple[Leftover, ...]


def run_cell(
    tools: Toolbox, order: RunOrder, planned: PlannedCell, sessions: Sequence[HostSession]
) -> Measured:
    """Measure one cell on every host of its environment, on all of them at once; never raises for
    what a host does."""
    numbers = Numbers()
    with ThreadPoolExecutor(len(sessions), thread_name_prefix="host") as pool:
        futures = [
            pool.submit(_run_on_host, tools, order, planned, session, numbers)
            for session in sessions
        ]
    found = sorted((one for future in futures for one in future.result()), key=_number)
    attempts = tuple(attempt for attempt, _ in found)
    return Measured(
        result=judge_cell(tools, order, planned, sessions, attempts),
        leftovers=tuple(one for _, left in found for one in left),
    )


class Numbers:
    """Numbers of the attempts at one cell: each once, whichever host asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given = 0

    def take(self) -> int:
        """The next one; the first is 1."""
        with self._lock:
            self._given += 1
            return self._given


#: An attempt, and what it could not remove.
_Tried = tuple[Attempt, tuple[Leftover, ...]]


def _number(tried: _Tried) -> int:
    return tried[0].number


def _run_on_host(
    tools: Toolbox, order: RunOrder, planned: PlannedCell, session: HostSession, numbers: Numbers
) -> list[_Tried]:
    """Attempts on one host, until one tells us something."""
    found, began = [], time.monotonic()
    for tries in range(order.retries + 1):
        attempt, left = run_attempt(tools, order, planned, session, numbers.take())
        found.append((attempt, left))
        if tries == order.retries or not _worth_another(attempt, tools):
            break
        text = f"attempt {attempt.number} ended in ERROR ({attempt.reason}): trying again"
        _tell(tools, planned, "retry", f"{text}: {attempt.message}")
        spent = time.monotonic() - began
        session.wait_until_reopening(seconds=planned.service.deadline_seconds - spent)
    return found


def judge_cell(
    tools: Toolbox,
    order: RunOrder,
    planned: PlannedCell,
    sessions: Sequence[HostSession],
    attempts: tuple[Attempt, ...],
) -> CellResult:
    """The cell's result from its attempts."""
    hosts = tuple(session.host.name for session in sessions)
    verdict, reason, message = fold_hosts(attempts, hosts=hosts)
    return CellResult(
        cell=planned.cell,
        verdict=verdict,
        reason=reason,
        message=message,
        attempts=attempts,
        image_id=order.image_ids[planned.service.image],
        fingerprint="+".join(session.fingerprint for session in sessions),
        probes_digest=order.probes_digests[planned.service.name],
        settings_digest=order.settings_digests.get(planned.cell, ""),
        finished_at=tools.now(),
    )


def run_attempt(
    tools: Toolbox, order: RunOrder, planned: PlannedCell, session: HostSession, number: int
) -> tuple[Attempt, tuple[Leftover, ...]]:
    """One try; every exception becomes the verdict of its class, an unknown one ERROR."""
    planned = planned.on_engines(planned.environment.roles_of(session.host))
    run = AttemptRun(tools, order, planned, session, number)
    began, started_at = time.monotonic(), tools.now()
    trace = ""
    try:
        finding = run.measure()
    except MatrixError as error:
        finding = Finding(verdict=error.verdict, reason=error.reason, message=str(error))
    except Exception as error:
        trace = traceback.format_exc()
        finding = Finding(verdict=Verdict.ERROR, reason="self", message=f"our own error: {error!r}")
    if finding.verdict is Verdict.FAILED:
        finding = _blame(run, finding)
    logs = {} if finding.reason == "requirement" else _quietly_logs(run)
    left = _quietly_clean(run)
    attempt = Attempt(
        number=number,
        host=session.host.name,
        verdict=finding.verdict,
        reason=finding.reason,
        message=finding.message,
        probes=(*(run.report.results if run.report else ()), *run.left_out),
        faults=run.report.faults if run.report else (),
        planned=tuple(probe.id for probe in planned.probes),
        image_id=run.image_id,
        logs=logs,
        traceback=trace,
        started_at=started_at,
        seconds=time.monotonic() - began,
        steps=dict(run.steps),
    )
    return attempt, left


def _blame(run: AttemptRun, finding: Finding) -> Finding:
    """The FAILED *finding*, or ERROR where the host by now does not give what a service needs."""
    try:
        run.check_host()
    except MatrixError as error:
        message = f"{error} (the cell: {finding.message})"
        return Finding(verdict=error.verdict, reason=error.reason, message=message)
    return finding


def _quietly_logs(run: AttemptRun) -> dict[str, str]:
    """The logs, or why there are none: losing evidence must not lose the verdict."""
    try:
        return dict(run.logs())
    except MatrixError as error:
        return {"": f"(no log: {error})"}


def _quietly_clean(run: AttemptRun) -> tuple[Leftover, ...]:
    """What cleaning could not remove; a host that is gone is left to its tether and the journal."""
    try:
        return run.clean()
    except MatrixError:
        return ()


def _worth_another(attempt: Attempt, tools: Toolbox) -> bool:
    wanted = attempt.verdict is Verdict.ERROR and RETRYABLE.get(attempt.reason, False)
    return wanted and not tools.halt.draining


def _tell(tools: Toolbox, planned: PlannedCell, kind: str, text: str) -> None:
    cell = planned.cell
    tools.watch(Event(kind=kind, environment=cell.environment, service=cell.service, text=text))
