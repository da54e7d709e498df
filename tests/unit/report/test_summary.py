"""The same words for every format."""

import pytest
from builders.reports import (
    a_cell,
    a_probe,
    a_report,
    a_service,
    an_attempt,
    an_empty_report,
    an_environment,
)
from builders.shop import shop_report

from matrix.core.grid import GridCell
from matrix.core.model import CellId
from matrix.core.verdict import Verdict
from matrix.report import summary

FAILED = a_probe("one", Verdict.FAILED)
PASSED = a_probe("two")


def the_place(cell: GridCell) -> summary.Place:
    report = a_report(
        (a_service("queue", title="Queue"),), (an_environment("qa", title="QA server"),), (cell,)
    )
    return next(summary.places(report))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (a_cell("queue", "qa", Verdict.PASSED, an_attempt([PASSED])), "12.3 s"),
        (a_cell("queue", "qa", Verdict.FAILED, an_attempt([FAILED, PASSED])), "1/2"),
        (a_cell("queue", "qa", Verdict.FAILED, an_attempt(also_planned=("x",))), "1/1"),
        (a_cell("queue", "qa", Verdict.FAILED, an_attempt(), reason="exited"), "exited"),
        (a_cell("queue", "qa", Verdict.WARNED, an_attempt([PASSED]), reason="retry"), "retry"),
        (a_cell("queue", "qa", Verdict.ERROR, an_attempt([FAILED]), reason="disk"), "disk"),
        (a_cell("queue", "qa", Verdict.MISSING), ""),
        (a_cell("queue", "qa", Verdict.MISSING, reason="never", message="never measured"), ""),
        (a_cell("queue", "qa", Verdict.STALE, an_attempt([FAILED]), reason="age"), "age"),
    ],
    ids=lambda value: value.verdict.value if isinstance(value, GridCell) else value,
)
def test_a_cell_in_a_word(cell: GridCell, shown: str) -> None:
    assert summary.short(cell) == shown


def test_only_the_last_attempt_on_each_host_counts() -> None:
    cell = a_cell(
        "queue",
        "qa",
        Verdict.PASSED,
        an_attempt([FAILED], host="qa-1", number=1, seconds=1),
        an_attempt([PASSED], host="qa-1", number=2, seconds=2),
        an_attempt([PASSED], host="qa-2", number=1, seconds=4),
    )
    assert [attempt.number for attempt in summary.deciding(cell.result)] == [2, 1]
    assert summary.tally(cell) == summary.Tally(bad=0, planned=2)
    assert summary.short(cell) == "6.0 s"


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_a_sentence_a_meaning_and_a_place_in_the_order(verdict: Verdict) -> None:
    said = summary.sentence(the_place(a_cell("queue", "qa", verdict, message="because of it")))
    assert said.endswith(": because of it")
    assert "Queue" in said
    assert "QA server" in said
    assert verdict in summary.ORDER
    assert summary.MEANINGS[verdict]


def test_a_cell_that_passed_says_how_many_probes_did() -> None:
    cell = a_cell("queue", "qa", Verdict.PASSED, an_attempt([PASSED, PASSED]))
    assert summary.sentence(the_place(cell)) == "Queue works on QA server: all 2 probes passed."


def test_a_cell_that_was_never_measured_says_so_once() -> None:
    cell = a_cell("queue", "qa", Verdict.MISSING, reason="never", message="never measured")
    assert summary.sentence(the_place(cell)) == "Queue on QA server was not measured."
    assert summary.why(cell) == "never measured"


def test_a_column_is_told_by_distribution_architecture_and_engine() -> None:
    found = shop_report().grid.findings
    assert summary.column_facts(found["qa"].hosts[0]) == ("Debian 13", "amd64", "Docker 26.1.5")
    assert summary.column_facts(found["acme"].hosts[0]) == ()
    assert summary.column_facts(None) == ()


def test_a_cell_the_grid_does_not_hold_is_missing() -> None:
    found = list(summary.places(an_empty_report()))
    assert [place.cell.verdict for place in found] == [Verdict.MISSING] * 4
    assert summary.why(found[0].cell) == "never measured"


def test_counts_add_up_to_the_whole_grid() -> None:
    counts = summary.counts(shop_report())
    assert list(counts) == list(summary.ORDER)
    assert sum(counts.values()) == 49
    assert all(counts.values())


@pytest.mark.parametrize(
    ("reason", "cell"),
    [
        ("queue@qa: FAILED, why", CellId(service="queue", environment="qa")),
        ("queue@qa FAILED", CellId(service="queue", environment="qa")),
        ("queue@nowhere: MISSING", None),
        ("nothing was selected", None),
        ("", None),
    ],
)
def test_a_reason_of_the_gate_finds_its_cell(reason: str, cell: CellId | None) -> None:
    ids = {str(cell): cell for cell in shop_report().grid.cells}
    assert summary.reason_cell(ids, reason) == cell


def test_the_command_for_a_cell_is_quoted() -> None:
    odd = CellId(service="a b", environment="$(id)")
    assert summary.run_command(odd) == "matrix run -s 'a b' -e '$(id)'"
