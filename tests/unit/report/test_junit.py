"""JUnit XML that CI systems read, and that never looks greener than the grid."""

import xml.etree.ElementTree as ET
from functools import cache

import pytest
from builders.reports import a_cell, a_probe, a_report, a_service, an_attempt, an_environment
from builders.shop import shop_report
from junitparser import JUnitXml

from matrix.core.grid import GridCell
from matrix.core.result import Fault
from matrix.core.verdict import Verdict
from matrix.report import render

#: What each element may hold, in this order: the schema that CI systems agree on.
CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase", "system-out", "system-err"],
    "properties": ["property"],
    "property": [],
    "testcase": ["skipped", "error", "failure", "system-out", "system-err"],
    "skipped": [],
    "error": [],
    "failure": [],
    "system-out": [],
}
NEEDED = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "testcase": {"name", "classname", "time"},
    "property": {"name", "value"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message", "type"},
}


@cache
def document() -> str:
    return render("junit", shop_report())


def cases(cell: GridCell) -> list[ET.Element]:
    report = a_report((a_service("queue"),), (an_environment("qa"),), (cell,))
    return list(ET.fromstring(render("junit", report)).iter("testcase"))


def marks(cell: GridCell) -> list[tuple[str, str]]:
    return [(case.get("name", ""), case[0].tag if len(case) else "passed") for case in cases(cell)]


@pytest.mark.parametrize("tag", CHILDREN)
def test_elements_have_the_usual_shape(tag: str) -> None:
    for element in ET.fromstring(document()).iter(tag):
        places = [CHILDREN[tag].index(child.tag) for child in element]
        assert places == sorted(places)
        assert NEEDED.get(tag, set()) <= set(element.keys())


def test_the_usual_parser_reads_it_and_counts_the_same() -> None:
    found = JUnitXml.fromstring(document().encode())
    root = ET.fromstring(document())
    assert found.tests == len(list(root.iter("testcase")))
    assert found.failures == len(list(root.iter("failure")))
    assert found.errors == len(list(root.iter("error")))
    assert [suite.name for suite in found] == [
        each.name for each in shop_report().grid.environments
    ]


@pytest.mark.parametrize(
    ("verdict", "mark"),
    [
        (Verdict.FAILED, "failure"),
        (Verdict.ERROR, "error"),
        (Verdict.MISSING, "skipped"),
        (Verdict.UNSUPPORTED, "skipped"),
        (Verdict.WARNED, "system-out"),
        (Verdict.PASSED, "passed"),
    ],
)
def test_a_probe_is_marked_by_its_verdict(verdict: Verdict, mark: str) -> None:
    probe = a_probe("one", verdict)
    # A cell left out on purpose lists no probes, so this one stands in a cell that failed.
    cell = a_cell("queue", "qa", Verdict.FAILED, an_attempt([probe, a_probe("x", Verdict.FAILED)]))
    assert (probe.id, mark) in marks(cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (a_cell("queue", "qa", Verdict.MISSING), [("cell", "skipped")]),
        (a_cell("queue", "qa", Verdict.UNSUPPORTED), [("cell", "skipped")]),
        (a_cell("queue", "qa", Verdict.ERROR), [("cell", "error")]),
        (a_cell("queue", "qa", Verdict.FAILED, an_attempt()), [("cell", "failure")]),
        (
            a_cell("queue", "qa", Verdict.STALE, an_attempt([a_probe("one")])),
            [("cell", "skipped")],
        ),
    ],
    ids=["never measured", "left out", "no host", "exited", "out of date"],
)
def test_a_cell_without_probes_of_now_has_a_case_of_its_own(
    cell: GridCell, expected: list[tuple[str, str]]
) -> None:
    assert marks(cell) == expected


def test_a_tainted_cell_is_an_error_though_its_probes_passed() -> None:
    attempt = an_attempt([a_probe("one")], faults=(Fault(reason="conn-lost", message="gone"),))
    found = marks(a_cell("queue", "qa", Verdict.ERROR, attempt, reason="conn-lost"))
    assert [mark for _, mark in found] == ["error", "passed"]


def test_a_planned_probe_that_never_reported_is_skipped() -> None:
    attempt = an_attempt([a_probe("one")], also_planned=("queue/test_queue.py::test_two",))
    found = marks(a_cell("queue", "qa", Verdict.MISSING, attempt))
    assert found[-1] == ("queue/test_queue.py::test_two", "skipped")


def test_two_hosts_give_two_cases_of_one_probe() -> None:
    attempts = [an_attempt([a_probe("one")], host=host) for host in ("qa-1", "qa-2")]
    names = [name for name, _ in marks(a_cell("queue", "qa", Verdict.PASSED, *attempts))]
    assert [name.rpartition(" on ")[2] for name in names] == ["qa-1", "qa-2"]


def test_a_failure_carries_the_assertion_and_the_commands() -> None:
    root = ET.fromstring(document())
    failure = root.find(".//testsuite[@name='qa']/testcase[@classname='queue']/failure")
    assert failure is not None
    assert "assert 'max' == '67108864'" in (failure.text or "")
    assert "$ cat /sys/fs/cgroup/memory.max  [outside, exit 0]\nmax" in (failure.text or "")
