"""A report as test cases, for the formats of test tools: one case per probe and cell.

A cell whose verdict its probes alone do not show (nothing came back, it was tainted, it is out of
date) has a case of its own, named ``cell``, so that no reader can take it for green.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from matrix.core.result import Attempt, CommandRecord, ProbeResult
from matrix.core.verdict import Verdict, worst
from matrix.report.harmless import shown_bytes
from matrix.report.summary import Place, deciding, sentence, unreported

#: Characters kept of one stream of one command in a case's text.
STREAM_CHARACTERS = 2 * 1024
#: Name of the case of a whole cell.
CELL = "cell"

#: Verdicts of cells whose probes say nothing about now.
_NOT_NOW = (Verdict.STALE, Verdict.UNSUPPORTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One answer."""

    #: Id of the probe with the host where there are several, or CELL.
    name: str
    verdict: Verdict
    reason: str
    #: One line.
    message: str
    #: The assertion and what the probe ran.
    text: str
    seconds: float


def cases(place: Place) -> list[Case]:
    """The cases of one cell, that of the whole first where there is one."""
    cell = place.cell
    attempts = () if cell.verdict in _NOT_NOW else deciding(cell.result)
    several = len(attempts) > 1
    found = [case for attempt in attempts for case in _attempt(attempt, several=several)]
    reported = [case.verdict for case in found]
    if worst(reported) is not cell.verdict or not reported:
        found.insert(0, _whole(place))
    return found


def _attempt(attempt: Attempt, *, several: bool) -> Iterator[Case]:
    where = f" on {attempt.host}" if several else ""
    for probe in attempt.probes:
        yield Case(
            name=f"{probe.id}{where}",
            verdict=probe.verdict,
            reason=probe.reason,
            message=probe.message,
            text=_text(probe),
            seconds=probe.seconds,
        )
    for planned in unreported(attempt):
        yield Case(
            name=f"{planned}{where}",
            verdict=Verdict.MISSING,
            reason="missing",
            message="planned, never reported",
            text="",
            seconds=0.0,
        )


def _whole(place: Place) -> Case:
    attempts = deciding(place.cell.result)
    return Case(
        name=CELL,
        verdict=place.cell.verdict,
        reason=place.cell.reason,
        message=sentence(place),
        text="\n\n".join(part for attempt in attempts for part in _told(attempt) if part),
        seconds=sum(attempt.seconds for attempt in attempts),
    )


def _told(attempt: Attempt) -> Iterator[str]:
    """What an attempt has to say beside its probes."""
    yield from (f"{fault.reason}: {fault.message}" for fault in attempt.faults)
    yield attempt.traceback
    yield from attempt.logs.values()


def _text(probe: ProbeResult) -> str:
    """The assertion and what the probe ran, for a reader of the CI's page."""
    return "\n\n".join(filter(None, (probe.detail, *map(_command, probe.commands), probe.output)))


def _command(record: CommandRecord) -> str:
    result = record.result
    where = f"{record.side.value} {record.target}".rstrip()
    lines = (
        f"$ {result.command}  [{where}, exit {result.exit_status}]",
        shown_bytes(result.stdout, limit=STREAM_CHARACTERS).rstrip(),
        shown_bytes(result.stderr, limit=STREAM_CHARACTERS).rstrip(),
    )
    return "\n".join(filter(None, lines))
