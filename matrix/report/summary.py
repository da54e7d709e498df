"""What every format says in the same words: the cells in order, counts, sentences, tallies."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matrix.core.grid import Decision, GridCell, Report
from matrix.core.model import CellId, Environment, Service
from matrix.core.result import (
    Attempt,
    CellResult,
    Fact,
    HostFinding,
    ProbeResult,
    Reporter,
)
from matrix.core.text import seconds_text
from matrix.core.verdict import Verdict

#: In which order verdicts are listed: what needs a look first.
ORDER = (
    Verdict.FAILED,
    Verdict.ERROR,
    Verdict.MISSING,
    Verdict.STALE,
    Verdict.WARNED,
    Verdict.UNSUPPORTED,
    Verdict.PASSED,
)

#: What each verdict means, for a legend.
MEANINGS = {
    Verdict.PASSED: "every planned probe reported, and all passed",
    Verdict.WARNED: "works, but a warning probe failed or a retry was needed",
    Verdict.FAILED: "the service does not work there",
    Verdict.ERROR: "we cannot tell: host, network, engine or we ourselves failed",
    Verdict.MISSING: "never measured, or nothing came back",
    Verdict.STALE: "too old, or measured for another image, probes or machine",
    Verdict.UNSUPPORTED: "left out on purpose, with a reason",
}

_LEADS = {
    Verdict.PASSED: "{service} works on {environment}",
    Verdict.WARNED: "{service} works on {environment}, with a warning",
    Verdict.FAILED: "{service} does not work on {environment}",
    Verdict.ERROR: "We cannot tell whether {service} works on {environment}",
    Verdict.MISSING: "{service} on {environment} was not measured",
    Verdict.STALE: "What we know about {service} on {environment} is out of date",
    Verdict.UNSUPPORTED: "{service} was left out on {environment} on purpose",
}

_SHORT_ID_LENGTH = 12
#: Reason of a cell that nobody ever measured: its glyph has said it all.
_NEVER = "never"


#: Beside the glyph of a cell that is a customer's own word.
REPORTED = "»"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many probes of a cell did not pass, of how many planned."""

    bad: int
    planned: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One cell with its row and column."""

    service: Service
    environment: Environment
    cell: GridCell


def places(report: Report) -> Iterator[Place]:
    """Every cell of the grid, row by row; one the grid does not hold is MISSING."""
    for service in report.grid.services:
        for environment in report.grid.environments:
            at = CellId(service=service.name, environment=environment.name)
            cell = report.grid.cells.get(at) or GridCell(cell=at, verdict=Verdict.MISSING)
            yield Place(service=service, environment=environment, cell=cell)


def by_urgency(all_places: Iterator[Place]) -> list[Place]:
    """The same, worst first, else in their order."""
    return sorted(all_places, key=lambda place: ORDER.index(place.cell.verdict))


def counts(report: Report) -> dict[Verdict, int]:
    """How many cells have each verdict, in ``ORDER``, with the zeros."""
    verdicts = [place.cell.verdict for place in places(report)]
    return {verdict: verdicts.count(verdict) for verdict in ORDER}


def deciding(result: CellResult | None) -> tuple[Attempt, ...]:
    """The last attempt on each host, in the order the hosts were first tried."""
    attempts = result.attempts if result else ()
    return tuple({attempt.host: attempt for attempt in attempts}.values())


def whose_word(reporter: Reporter) -> str:
    """That a cell was not measured by us, in words."""
    return f"self-reported by {reporter.name} (signed with {reporter.key}), not measured by us"


def reported_line(count: int) -> str:
    """For a legend: how many cells are somebody else's word; "" for none."""
    return f"{REPORTED} {count} self-reported" if count else ""


def unreported(attempt: Attempt) -> tuple[str, ...]:
    """Ids of the probes that were planned and did not report."""
    reported = {probe.id for probe in attempt.probes}
    return tuple(probe for probe in attempt.planned if probe not in reported)


def tally(cell: GridCell) -> Tally:
    """Over the deciding attempts; a planned probe that did not report counts as not passed."""
    attempts = deciding(cell.result)
    bad = sum(_is_bad(probe) for attempt in attempts for probe in attempt.probes)
    missing = sum(len(unreported(attempt)) for attempt in attempts)
    reported = sum(len(attempt.probes) for attempt in attempts)
    return Tally(bad=bad + missing, planned=reported + missing)


def short(cell: GridCell) -> str:
    """A word or two beside the glyph: ``2/31`` not passed, a reason, or how long it took."""
    if cell.verdict is Verdict.PASSED:
        attempts = deciding(cell.result)
        return seconds_text(sum(attempt.seconds for attempt in attempts)) if attempts else ""
    counted = tally(cell)
    if cell.verdict in (Verdict.FAILED, Verdict.WARNED) and counted.bad:
        return f"{counted.bad}/{counted.planned}"
    return "" if cell.reason == _NEVER else cell.reason


def sentence(place: Place) -> str:
    """The verdict in words, with the reason, for people."""
    cell = place.cell
    lead = _LEADS[cell.verdict].format(
        service=place.service.title, environment=place.environment.title
    )
    because = "" if cell.reason == _NEVER else cell.message or _usual_message(cell)
    return f"{lead}: {because}" if because else f"{lead}."


def why(cell: GridCell) -> str:
    """The reason alone, in one line."""
    never = "never measured" if cell.verdict is Verdict.MISSING else ""
    return cell.message or cell.reason or _usual_message(cell) or never


def gate_line(decision: Decision) -> str:
    """The decision in one line."""
    return f"GATE {decision.door.value}: {known_line(decision)}"


def known_line(decision: Decision) -> str:
    """How much is known, and how ``matrix gate`` would exit."""
    known = f"{decision.known} of {decision.required} required cells known"
    return f"{known}, exit {decision.exit_code}"


def reason_cell(ids: Mapping[str, CellId], reason: str) -> CellId | None:
    """The cell a reason of the gate starts with, if it names one of *ids*."""
    word = reason.split(maxsplit=1)[0].rstrip(":,") if reason.strip() else ""
    return ids.get(word)


def run_command(cell: CellId) -> str:
    """The command that measures one cell again."""
    return shlex.join(["matrix", "run", "-s", cell.service, "-e", cell.environment])


#: What something that was taken out is called, one and several of it.
_REMOVED = {
    "address": ("address", "addresses"),
    "chosen": ("word you named", "words you named"),
    "credentials": ("login in a URL", "logins in URLs"),
    "key": ("private key", "private keys"),
    "name": ("name", "names"),
    "secret": ("secret", "secrets"),
    "token": ("access token", "access tokens"),
}


def redacted(report: Report) -> Mapping[str, Sequence[str]]:
    """Where something was taken out → how much of what: ``3 addresses``."""
    found: dict[str, list[str]] = {}
    for one in report.redacted:
        names = _REMOVED.get(one.kind, (one.kind, one.kind))
        found.setdefault(one.where or "the run", []).append(f"{one.count} {names[one.count != 1]}")
    return found


def short_id(image_id: str) -> str:
    """An image id as engines shorten it."""
    return image_id.removeprefix("sha256:")[:_SHORT_ID_LENGTH]


def column_facts(finding: HostFinding | None) -> tuple[str, ...]:
    """What a column is, in short: distribution, architecture, engine, each with its version."""
    facts = finding.facts if finding else {}
    wanted = (
        ("distribution", "distribution_version"),
        ("architecture",),
        ("engine.name", "engine.version"),
    )
    known = (" ".join(filter(None, (_fact(facts.get(name)) for name in group))) for group in wanted)
    return tuple(
        shown[0].upper() + shown[1:] if " " in shown else shown for shown in known if shown
    )


def _fact(value: Fact) -> str:
    """As text, without what a distribution adds to a version: ``20.10.24+dfsg1``."""
    return "" if value is None else str(value).partition("+")[0]


def _is_bad(probe: ProbeResult) -> bool:
    return probe.verdict not in (Verdict.PASSED, Verdict.UNSUPPORTED)


def _usual_message(cell: GridCell) -> str:
    if cell.verdict is Verdict.PASSED and cell.result:
        counted = tally(cell)
        return f"all {counted.planned} probes passed." if counted.planned else ""
    return ""
