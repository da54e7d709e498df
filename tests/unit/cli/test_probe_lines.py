"""A line for each probe as soon as it has its verdict, apart from the verdicts of cells."""

from functools import partial

import pytest
from builders.reports import an_attempt

from matrix.cli.progress import shown, shown_with_probes
from matrix.core.model import CellId
from matrix.core.plan import Plan
from matrix.core.ports import Event
from matrix.core.result import CellResult
from matrix.core.verdict import Verdict

PLAN = Plan(cells=(), digest="0" * 64)
probe = partial(Event, kind="probe", environment="acme", service="web", total=61)


def said(capsys: pytest.CaptureFixture[str], show, *events: Event) -> list[str]:
    with show(None, PLAN) as watch:
        for event in events:
            watch(event)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_each_probe_is_a_line_with_its_verdict_and_why(capsys) -> None:
    failed = probe(text="It answers: nobody\nis there", done=2, verdict=Verdict.FAILED)
    lines = said(
        capsys,
        shown_with_probes,
        probe(text="It runs", done=1, verdict=Verdict.PASSED),
        failed,
    )
    assert lines == [
        "  web@acme 1/61 ✓ It runs",
        "  web@acme 2/61 ✗ It answers: nobody is there",
    ]


def test_the_line_of_a_cell_stands_apart_and_stays_as_it_is(capsys) -> None:
    cell = CellId(service="web", environment="acme")
    attempts = (an_attempt(verdict=Verdict.PASSED),)
    result = CellResult(cell=cell, verdict=Verdict.PASSED, reason="", attempts=attempts)
    event = Event(kind="cell", environment="acme", service="web", result=result)
    both = [said(capsys, show, event) for show in (shown, shown_with_probes)]
    assert both[0] == both[1]
    assert both[0][0].startswith("[1/0] ✓ web@acme: PASSED")


def test_nothing_a_probe_says_reaches_a_terminal_as_it_is(capsys) -> None:
    (line,) = said(
        capsys, shown_with_probes, probe(text="\x1b[2J" + "x" * 500, verdict=Verdict.ERROR)
    )
    assert "\x1b" not in line
    assert len(line) < 260


def test_elsewhere_probes_are_not_told_of_one_by_one(capsys) -> None:
    assert said(capsys, shown, probe(text="It runs", done=1, verdict=Verdict.PASSED)) == []
