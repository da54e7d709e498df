"""The evidence of a cell as the page shows it: failures first, and at most so much of it.

A page is one file, so what it carries is capped: each text at ``TEXT_BYTES``, each cell at
``CELL_BYTES`` and the whole report at ``REPORT_BYTES``, as UTF-8 and before it is packed, spent on
the worst first. What did not fit is said where it would have been; the JSON report has it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from matrix.core.model import CellId
from matrix.core.result import Attempt, CommandRecord, Fault, ProbeResult, Side
from matrix.core.text import neutralise, seconds_text, size_text
from matrix.core.verdict import Verdict
from matrix.report.harmless import shown_bytes
from matrix.report.summary import ORDER, Place, by_urgency, deciding, unreported

CELL_BYTES = 64 * 1024
#: No single output or log may push out the others: the error is often the shortest of them.
TEXT_BYTES = 8 * 1024
REPORT_BYTES = 50 * 1024 * 1024

#: With less than this left, nothing more is shown.
_ENOUGH = 200
#: Most bytes of a character in UTF-8.
_WIDEST = 4
#: Bytes that the line about what was cut has more than characters, and some.
_MARK = 8
_NOT_SHOWN = "(not shown: the evidence of this cell is larger than a page takes)"


class Budget:
    """How many bytes may still be shown."""

    def __init__(self, size_bytes: int) -> None:
        self.left = size_bytes

    @property
    def spent(self) -> bool:
        """Whether nothing more is to be shown."""
        return self.left < _ENOUGH

    def take(self, found: str) -> str:
        """As much of *found* as may be shown, head and tail."""
        if not found:
            return ""
        if self.spent:
            return _NOT_SHOWN
        limit = min(self.left, TEXT_BYTES)
        # Nearly every text: short, and with nothing that could be dangerous.
        whole = len(found) <= limit and found.isprintable()
        kept = found if whole else neutralise(found, limit=limit)
        size = _size(kept)
        if size > limit:
            kept = _fitting(found, limit, limit * len(kept) // size - _MARK)
            size = _size(kept)
        self.left -= size
        return kept


class ShownCommand(NamedTuple):
    """One command with its output."""

    command: str
    #: Companion it ran in, "" for the service itself or the host.
    target: str
    exit_status: int
    seconds: str
    stdout: str
    stderr: str
    #: How much was not kept when it was run, in words; "" when all of it was.
    truncated: str


class ShownProbe(NamedTuple):
    """One probe with what it did."""

    #: As it was reported, without its texts.
    result: ProbeResult
    message: str
    detail: str
    output: str
    commands: tuple[ShownCommand, ...]
    #: Commands that were run but are not shown.
    commands_left_out: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownAttempt:
    """One try at a cell."""

    #: As it was reported, for what is short.
    attempt: Attempt
    #: Whether its verdict is the one of the cell, or an earlier try.
    decides: bool
    faults: tuple[Fault, ...]
    traceback: str
    inside: tuple[ShownProbe, ...]
    outside: tuple[ShownProbe, ...]
    #: Ids of probes that were planned and did not report.
    unreported: tuple[str, ...]
    #: Name of the container ("" is the service) → tail of its log.
    logs: tuple[tuple[str, str], ...]

    @property
    def sides(self) -> tuple[tuple[Side, tuple[ShownProbe, ...]], ...]:
        """Both sides with their probes, the one with the worst probe first."""
        both = ((Side.INSIDE, self.inside), (Side.OUTSIDE, self.outside))
        return tuple(sorted(both, key=lambda side: _urgency(side[1])))


def gather(
    all_places: Iterator[Place], *, most_bytes: int = REPORT_BYTES
) -> dict[CellId, tuple[ShownAttempt, ...]]:
    """The evidence of every cell, *most_bytes* of it; the worst cells are served first."""
    whole = Budget(most_bytes)
    gathered = {}
    for place in by_urgency(all_places):
        budget = Budget(min(CELL_BYTES, whole.left))
        before = budget.left
        gathered[place.cell.cell] = _attempts(place, budget)
        whole.left -= before - budget.left
    return gathered


def _fitting(found: str, limit: int, characters: int) -> str:
    """*found* in at most *limit* bytes: *characters* of it, or as many as fit whatever they are."""
    kept = neutralise(found, limit=characters)
    return kept if _size(kept) <= limit else neutralise(found, limit=limit // _WIDEST)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _attempts(place: Place, budget: Budget) -> tuple[ShownAttempt, ...]:
    if not place.cell.result:
        return ()
    made = place.cell.result.attempts
    deciders = deciding(place.cell.result)
    # The attempts that decide are served first, shown in the order they were made.
    served = sorted(made, key=lambda attempt: attempt not in deciders)
    shown = {
        id(attempt): _attempt(attempt, budget, decides=attempt in deciders) for attempt in served
    }
    return tuple(shown[id(attempt)] for attempt in made)


def _attempt(attempt: Attempt, budget: Budget, *, decides: bool) -> ShownAttempt:
    faults = tuple(replace(fault, message=budget.take(fault.message)) for fault in attempt.faults)
    urgent = [probe for probe in attempt.probes if probe.verdict is not Verdict.PASSED]
    urgent.sort(key=lambda probe: ORDER.index(probe.verdict))
    passed = [probe for probe in attempt.probes if probe.verdict is Verdict.PASSED]
    first = [_probe(probe, budget) for probe in urgent]
    traceback = budget.take(attempt.traceback)
    logs = tuple((name, budget.take(found)) for name, found in sorted(attempt.logs.items()))
    probes = first + [_probe(probe, budget) for probe in passed]
    return ShownAttempt(
        attempt=attempt,
        decides=decides,
        faults=faults,
        traceback=traceback,
        inside=_of_side(probes, Side.INSIDE),
        outside=_of_side(probes, Side.OUTSIDE),
        unreported=unreported(attempt),
        logs=logs,
    )


def _of_side(probes: Iterable[ShownProbe], side: Side) -> tuple[ShownProbe, ...]:
    return tuple(probe for probe in probes if probe.result.side is side)


def _urgency(probes: Iterable[ShownProbe]) -> int:
    return min((ORDER.index(each.result.verdict) for each in probes), default=len(ORDER))


def _probe(probe: ProbeResult, budget: Budget) -> ShownProbe:
    message, detail = budget.take(probe.message), budget.take(probe.detail)
    commands = tuple(_commands(probe.commands, budget))
    return ShownProbe(
        result=probe,
        message=message,
        detail=detail,
        output=budget.take(probe.output),
        commands=commands,
        commands_left_out=len(probe.commands) - len(commands),
    )


def _commands(records: Iterable[CommandRecord], budget: Budget) -> Iterator[ShownCommand]:
    for record in records:
        if budget.spent:
            return
        result = record.result
        yield ShownCommand(
            command=budget.take(result.command),
            target=record.target,
            exit_status=result.exit_status,
            seconds=seconds_text(result.seconds),
            stdout=budget.take(shown_bytes(result.stdout)),
            stderr=budget.take(shown_bytes(result.stderr)),
            truncated=_truncated(record),
        )


def _truncated(record: CommandRecord) -> str:
    result = record.result
    if not result.truncated:
        return ""
    came, kept = (
        result.stdout_bytes + result.stderr_bytes,
        len(result.stdout) + len(result.stderr),
    )
    return f"{size_text(came)} came, {size_text(kept)} were kept"
