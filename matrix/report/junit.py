"""The report as JUnit XML, for CI systems.

One suite per environment and one case per probe with the service as its class. FAILED is a
``failure``, ERROR an ``error``, MISSING, STALE and UNSUPPORTED are ``skipped``; WARNED passes and
says so in its output. Each suite has a property ``cell:<service>`` with the verdict, and
``reported-by:<service>`` where that is a customer's own word.
"""

from collections.abc import Iterable, Iterator

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from matrix.core.grid import Report
from matrix.core.model import Environment
from matrix.core.result import EnvironmentFinding
from matrix.core.text import neutralise
from matrix.core.verdict import Verdict
from matrix.report.cases import Case, cases
from matrix.report.summary import Place, places

#: Characters kept of one case's text.
CASE_CHARACTERS = 16 * 1024

_ELEMENTS = {
    Verdict.FAILED: Failure,
    Verdict.ERROR: Error,
    Verdict.MISSING: Skipped,
    Verdict.STALE: Skipped,
    Verdict.UNSUPPORTED: Skipped,
}


def render(report: Report, *, width: int) -> str:
    """The XML document; *width* is of no use to it."""
    del width
    document = JUnitXml(report.project)
    everything = tuple(places(report))
    for environment in report.grid.environments:
        here = [place for place in everything if place.environment is environment]
        document.add_testsuite(_suite(report, environment, here))
    document.update_statistics()  # type: ignore[no-untyped-call]
    # Jenkins' schema knows how many were skipped of a suite only.
    document._elem.attrib.pop("skipped")
    return str(document.tostring().decode("utf-8"))  # type: ignore[no-untyped-call]


def _suite(report: Report, environment: Environment, here: Iterable[Place]) -> TestSuite:
    suite = TestSuite(environment.name)
    suite.timestamp = report.started_at.isoformat(timespec="seconds")
    suite.hostname = environment.name
    for name, value in _properties(report.grid.findings.get(environment.name)):
        suite.add_property(name, value)
    found = []
    for place in here:
        suite.add_property(f"cell:{place.service.name}", place.cell.verdict.value)
        if place.cell.reporter:
            suite.add_property(f"reported-by:{place.service.name}", place.cell.reporter.name)
        found += [_case(place, case) for case in cases(place)]
    suite.add_testcases(found)
    suite.update_statistics()  # type: ignore[no-untyped-call]
    return suite


def _properties(finding: EnvironmentFinding | None) -> Iterator[tuple[str, str]]:
    for host in finding.hosts if finding else ():
        for name, value in sorted(host.facts.items()):
            yield f"{host.host}:{name}", "" if value is None else str(value)


def _case(place: Place, found: Case) -> TestCase:
    case = TestCase(found.name, place.service.name, round(found.seconds, 3))
    text = neutralise(found.text, limit=CASE_CHARACTERS)
    verdict = found.verdict
    if verdict in _ELEMENTS:
        element = _ELEMENTS[verdict](found.message or verdict.value, found.reason or verdict.value)
        element.text = text
        case.result = [element]
    elif verdict is Verdict.WARNED:
        case.system_out = f"WARNED: {found.message}\n{text}"
    return case
