"""The report as JUnit XML, for CI systems.

One suite per environment and one case per probe with the service as its class. FAILED is a
``failure``, ERROR an ``error``, MISSING, STALE and UNSUPPORTED are ``skipped``; WARNED passes and
says so in its output. A cell whose verdict its probes alone do not show (nothing came back, it was
tainted, it is out of date) has a case of its own, named ``cell``, so that no reader of this file
can take it for green. Each suite has a property ``cell:<service>`` with the verdict.
"""

from collections.abc import Iterable, Iterator

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from matrix.core.grid import Report
from matrix.core.model import Environment
from matrix.core.result import Attempt, CommandRecord, EnvironmentFinding, ProbeResult
from matrix.core.text import neutralise
from matrix.core.verdict import Verdict, worst
from matrix.report.harmless import shown_bytes
from matrix.report.summary import Place, deciding, places, sentence, unreported

#: Characters kept of one case's text, and of one stream of one command in it.
CASE_CHARACTERS = 16 * 1024
STREAM_CHARACTERS = 2 * 1024

_ELEMENTS = {
    Verdict.FAILED: Failure,
    Verdict.ERROR: Error,
    Verdict.MISSING: Skipped,
    Verdict.STALE: Skipped,
    Verdict.UNSUPPORTED: Skipped,
}
#: Verdicts of cells whose probes say nothing about now.
_NOT_NOW = (Verdict.STALE, Verdict.UNSUPPORTED)


def render(report: Report, *, width: int) -> str:
    """The XML document; *width* is of no use to it."""
    del width
    document = JUnitXml(report.project)
    everything = tuple(places(report))
    for environment in report.grid.environments:
        here = [place for place in everything if place.environment is environment]
        document.add_testsuite(_suite(report, environment, here))
    document.update_statistics()  # type: ignore[no-untyped-call]
    return str(document.tostring().decode("utf-8"))  # type: ignore[no-untyped-call]


def _suite(report: Report, environment: Environment, here: Iterable[Place]) -> TestSuite:
    suite = TestSuite(environment.name)
    suite.timestamp = report.started_at.isoformat(timespec="seconds")
    suite.hostname = environment.name
    for name, value in _properties(report.grid.findings.get(environment.name)):
        suite.add_property(name, value)
    cases = []
    for place in here:
        suite.add_property(f"cell:{place.service.name}", place.cell.verdict.value)
        cases += _cases(place)
    suite.add_testcases(cases)
    suite.update_statistics()  # type: ignore[no-untyped-call]
    return suite


def _properties(finding: EnvironmentFinding | None) -> Iterator[tuple[str, str]]:
    for host in finding.hosts if finding else ():
        for name, value in sorted(host.facts.items()):
            yield f"{host.host}:{name}", "" if value is None else str(value)


def _cases(place: Place) -> list[TestCase]:
    cell = place.cell
    attempts = () if cell.verdict in _NOT_NOW else deciding(cell.result)
    several = len(attempts) > 1
    cases = [case for attempt in attempts for case in _attempt(place, attempt, several=several)]
    reported = [probe.verdict for attempt in attempts for probe in attempt.probes]
    reported += [Verdict.MISSING for attempt in attempts for _ in unreported(attempt)]
    if worst(reported) is not cell.verdict or not reported:
        cases.insert(0, _cell_case(place))
    return cases


def _attempt(place: Place, attempt: Attempt, *, several: bool) -> Iterator[TestCase]:
    where = f" on {attempt.host}" if several else ""
    for probe in attempt.probes:
        case = TestCase(f"{probe.id}{where}", place.service.name, round(probe.seconds, 3))
        _mark(case, probe.verdict, reason=probe.reason, message=probe.message, text=_text(probe))
        yield case
    for planned in unreported(attempt):
        case = TestCase(f"{planned}{where}", place.service.name, 0.0)
        _mark(case, Verdict.MISSING, reason="missing", message="planned, never reported", text="")
        yield case


def _cell_case(place: Place) -> TestCase:
    attempts = deciding(place.cell.result)
    seconds = round(sum(attempt.seconds for attempt in attempts), 3)
    case = TestCase("cell", place.service.name, seconds)
    text = "\n\n".join(part for attempt in attempts for part in _told(attempt) if part)
    _mark(case, place.cell.verdict, reason=place.cell.reason, message=sentence(place), text=text)
    return case


def _told(attempt: Attempt) -> Iterator[str]:
    """What an attempt has to say beside its probes."""
    yield from (f"{fault.reason}: {fault.message}" for fault in attempt.faults)
    yield attempt.traceback
    yield from attempt.logs.values()


def _mark(case: TestCase, verdict: Verdict, *, reason: str, message: str, text: str) -> None:
    if verdict in _ELEMENTS:
        element = _ELEMENTS[verdict](message or verdict.value, reason or verdict.value)
        element.text = neutralise(text, limit=CASE_CHARACTERS)
        case.result = [element]
    elif verdict is Verdict.WARNED:
        case.system_out = f"WARNED: {message}\n{neutralise(text, limit=CASE_CHARACTERS)}"


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
