"""The runner's side of one job: answers a probe's process and judges what it reports.

Time is the runner's own: a probe has its timeout from when it is said to have started, the whole
job its deadline from the beginning. A process over either is killed, after a grace for the probe
to report what a command that was cut off at the same moment had told it.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

from matrix.core.errors import (
    Cancelled,
    DeadlineExceeded,
    MatrixError,
    NotReady,
    ProbeCrashed,
    UsageError,
)
from matrix.core.ports import CellAccess, ProbeRequest
from matrix.core.result import Ending, Fault, Json, PlannedProbe, ProbeReport, ProbeResult
from matrix.core.verdict import Verdict
from matrix.probing.forkserver import Child, ChildEnded
from matrix.probing.judge import Judgement, Told, judge
from matrix.probing.ledger import Ledger
from matrix.probing.reported import read_output, read_report, read_text
from matrix.probing.requests import Control
from matrix.probing.serving import Asked, carry_out, read_question
from matrix.probing.wire import BrokenWire, Message

POLL_SECONDS = 0.2
GRACE_SECONDS = 1.0


class Over(Exception):
    """The job has ended before everything was reported."""

    def __init__(self, ending: Ending, *, reason: str, message: str) -> None:
        self.ending = ending
        self.fault = Fault(reason=reason, message=message)
        super().__init__(message)


@dataclass(kw_only=True, slots=True)
class Current:
    """The probe that is running."""

    probe: PlannedProbe
    #: Monotonic.
    started: float
    until: float
    told: list[Told] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)


class Session:
    """One job, from the moment its process has got it."""

    def __init__(
        self,
        child: Child,
        request: ProbeRequest,
        access: CellAccess,
        *,
        observe: Callable[[ProbeResult], ProbeResult],
        cancelled: Callable[[], bool],
    ) -> None:
        self._child = child
        self._access = access
        self._observe = observe
        self._cancelled = cancelled
        self._until = time.monotonic() + request.deadline_seconds
        self._left = {probe.id: probe for probe in request.planned}
        self._current: Current | None = None
        self._results: list[ProbeResult] = []
        self._faults: list[Fault] = []

    def run(self) -> ProbeReport:
        """Serve the process until it has finished or must be ended; it is killed by the caller."""
        ending, running = Ending.COMPLETE, ""
        try:
            while self._handle(self._next()):
                pass
        except Over as over:
            self._child.kill()
            ending, running = over.ending, self._current.probe.id if self._current else ""
            self._close_down(over)
        return ProbeReport(
            results=tuple(self._results), faults=tuple(self._faults), ending=ending, running=running
        )

    def _next(self) -> Message:
        """The next message; raises Over."""
        while True:
            left = self._limit() + GRACE_SECONDS - time.monotonic()
            if self._cancelled():
                raise Over(Ending.CANCELLED, reason=Cancelled.reason, message=str(Cancelled()))
            if left <= 0:
                self._run_out()
            try:
                message = self._child.receive(seconds=min(left, POLL_SECONDS))
            except (ChildEnded, BrokenWire) as error:
                raise _crash(f"the probe's process {error}") from error
            if message is not None:
                return message

    def _limit(self) -> float:
        return min(self._until, self._current.until) if self._current else self._until

    def _run_out(self) -> NoReturn:
        if self._current and self._current.until < self._until:
            seconds = self._current.probe.timeout_seconds
            message = f"it did not end within its {seconds:g} s and was killed"
        else:
            message = "the time for the probes of this cell ran out"
        raise Over(Ending.DEADLINE, reason=DeadlineExceeded.reason, message=message)

    def _handle(self, message: Message) -> bool:
        """Do what *message* asks for; whether more is to come. Raises Over."""
        try:
            match message["kind"]:
                case "started":
                    self._start(message)
                case "run" | "control":
                    self._child.send(self._answer(message))
                case "report":
                    self._finish(message)
                    self._child.send({"kind": "ack"})
                case "quit":
                    self._quit(message)
                case "finished" if self._current is None:
                    return False
                case kind:
                    raise BrokenWire(f"{kind!r} was not expected")
        except BrokenWire as error:
            raise _crash(f"the probe's process does not keep to the protocol: {error}") from error
        return True

    def _start(self, message: Message) -> None:
        probe = self._left.pop(str(message.get("id")), None)
        if probe is None or self._current is not None:
            raise BrokenWire(f"{read_text(message, 'id', 200)!r} was not to start now")
        now = time.monotonic()
        self._current = Current(probe=probe, started=now, until=now + probe.timeout_seconds)

    def _answer(self, message: Message) -> Message:
        current = self._current
        if current is None:
            return _refusal(UsageError("only a running probe can ask for something"))
        asked: Asked | None = None
        try:
            asked = read_question(message, current.probe.side)
            return {"kind": "answer", "value": self._carry_out(current, asked)}
        except Cancelled as error:
            raise Over(Ending.CANCELLED, reason=error.reason, message=str(error)) from error
        except MatrixError as error:
            self._note(current, error, asked)
            return _refusal(error)

    def _carry_out(self, current: Current, asked: Asked) -> Json:
        left = self._limit() - time.monotonic()
        try:
            value, record = carry_out(asked, self._access, left_seconds=left)
        except NotReady:
            # What comes after may push out of its log why. That nothing is left for it to be read
            # in changes nothing of what is known.
            with suppress(DeadlineExceeded):
                self._carry_out(current, Control(target=asked.target, verb="logs", arguments={}))
            raise
        current.ledger.add(record)
        return value

    def _note(self, current: Current, error: MatrixError, asked: Asked | None) -> None:
        message = f"{error} (asked for: {asked})" if asked else str(error)
        told = Told(verdict=error.verdict, reason=error.reason, message=message)
        current.told.append(told)
        if error.verdict is Verdict.ERROR and not isinstance(error, UsageError):
            self._faults.append(Fault(reason=error.reason, message=message))

    def _finish(self, message: Message) -> None:
        current = self._current
        if current is None or message.get("id") != current.probe.id:
            raise BrokenWire("a report about a probe that does not run")
        found = judge(current.probe, read_report(message, current.told))
        self._keep(current, found, read_output(message))

    def _keep(self, current: Current, found: Judgement, output: str) -> None:
        result = ProbeResult(
            id=current.probe.id,
            side=current.probe.side,
            title=current.probe.title,
            verdict=found.verdict,
            reason=found.reason,
            message=found.message,
            detail=found.detail,
            seconds=time.monotonic() - current.started,
            commands=current.ledger.records,
            output=output + current.ledger.note,
        )
        self._results.append(self._observe(result))
        self._current = None

    def _quit(self, message: Message) -> NoReturn:
        reason = read_text(message, "reason", 20)
        known = reason in ("probe-code", "probe-crash", "self")
        text = read_text(message, "message", 64 * 1024)
        raise Over(Ending.CRASHED, reason=reason if known else ProbeCrashed.reason, message=text)

    def _close_down(self, over: Over) -> None:
        """The running probe bears what has happened; when none runs, the cell does."""
        if over.ending is Ending.CANCELLED:
            return
        if self._current is None:
            self._faults.append(over.fault)
            return
        found = Judgement(
            verdict=Verdict.ERROR,
            reason=over.fault.reason,
            message=over.fault.message.strip().partition("\n")[0],
            detail=over.fault.message,
        )
        self._keep(self._current, found, "")


def _crash(message: str) -> Over:
    return Over(Ending.CRASHED, reason=ProbeCrashed.reason, message=message)


def _refusal(error: MatrixError) -> Message:
    return {"kind": "answer", "error": {"reason": error.reason, "message": str(error)}}
