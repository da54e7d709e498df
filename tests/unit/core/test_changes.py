import json
from pathlib import Path

import pytest
from builders.reports import a_cell, an_attempt
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.changes import ORDER, Side, change, compare, side_of, sides_of_grid
from matrix.core.gate import Exit, code_of_changes
from matrix.core.grid import Grid, GridCell
from matrix.core.history import Change
from matrix.core.model import CellId
from matrix.core.verdict import Verdict

TABLE = json.loads((Path(__file__).parents[2] / "builders/changes.json").read_text("utf-8"))
SIDES = st.none() | st.builds(
    Side,
    verdict=st.sampled_from(Verdict),
    fingerprint=st.sampled_from(["", "f1", "f2"]),
    probes_digest=st.sampled_from(["", "p1", "p2"]),
)


def a_side(found: dict[str, str] | None) -> Side | None:
    if found is None:
        return None
    return Side(
        verdict=Verdict(found["verdict"]),
        fingerprint=found["fingerprint"],
        probes_digest=found["probes"],
    )


def named(row: dict) -> str:
    sides = (row["before"], row["now"])
    return " to ".join("-".join(side.values()) if side else "nothing" for side in sides)


@pytest.mark.parametrize("row", TABLE["changes"], ids=named)
def test_a_pair_of_verdicts_falls_in_its_class(row):
    found = change(a_side(row["before"]), a_side(row["now"]))
    assert (found.value if found else "") == row["change"]


def test_the_table_has_every_pair_of_verdicts_and_every_class():
    everything = [None, *Verdict]
    seen = {
        tuple(side and side["verdict"] for side in (row["before"], row["now"]))
        for row in TABLE["changes"]
    }
    assert seen == {
        tuple(one and one.value for one in pair)
        for pair in ((a, b) for a in everything for b in everything)
    }
    assert {row["change"] for row in TABLE["changes"]} == {"", *(one.value for one in Change)}
    assert sorted(ORDER, key=str) == sorted(Change, key=str)


@given(SIDES)
def test_what_is_the_same_has_not_changed_unless_it_fails(side):
    expected = Change.STILL_FAILING if side and side.verdict is Verdict.FAILED else None
    assert change(side, side) is expected


@given(SIDES, SIDES)
def test_a_cell_that_fails_is_always_named_and_never_as_something_harmless(before, now):
    found = change(before, now)
    fails = now is not None and now.verdict is Verdict.FAILED
    failures = {Change.REGRESSION, Change.NEW_FAILURE, Change.STILL_FAILING}
    assert (found in failures) == fails


@given(SIDES, SIDES)
def test_nothing_is_fixed_or_passes_that_is_not_green(before, now):
    if change(before, now) in (Change.FIXED, Change.NEW_PASS):
        assert now.verdict in (Verdict.PASSED, Verdict.WARNED)


def cell(name: str) -> CellId:
    return CellId(service=name, environment="qa")


def test_two_grids_are_compared_cell_by_cell_with_the_worst_change_first():
    green, red = (Side(verdict=v, fingerprint="f", probes_digest="p") for v in
                  (Verdict.PASSED, Verdict.FAILED))  # fmt: skip
    before = {cell("a"): red, cell("b"): green, cell("c"): green, cell("d"): green}
    now = {cell("a"): green, cell("b"): green, cell("c"): red}
    found = compare(before, now, baseline="1.0")
    assert found.baseline == "1.0"
    assert list(found.changes.items()) == [
        (cell("c"), Change.REGRESSION), (cell("d"), Change.DISAPPEARED),
        (cell("a"), Change.FIXED),
    ]  # fmt: skip


def test_a_cell_that_was_never_measured_is_no_side_of_a_grid():
    measured = a_cell("queue", "qa", Verdict.FAILED, an_attempt())
    never = GridCell(cell=cell("web"), verdict=Verdict.MISSING, reason="never")
    left_out = GridCell(cell=cell("api"), verdict=Verdict.UNSUPPORTED, reason="excluded")
    cells = {one.cell: one for one in (measured, never, left_out)}
    found = sides_of_grid(Grid(services=(), environments=(), cells=cells))
    assert found == {
        measured.cell: side_of(measured.result),
        left_out.cell: Side(verdict=Verdict.UNSUPPORTED, fingerprint="", probes_digest=""),
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ([], Exit.OPEN),
        ([Change.FIXED, Change.STILL_FAILING, Change.APPEARED, Change.NEW_PASS], Exit.OPEN),
        ([Change.ENVIRONMENT_CHANGED, Change.PROBES_CHANGED], Exit.OPEN),
        ([Change.REGRESSION, Change.DISAPPEARED], Exit.FAILED),
        ([Change.FIXED, Change.NEW_FAILURE], Exit.FAILED),
        ([Change.FIXED, Change.DISAPPEARED], Exit.INCOMPLETE),
    ],
)
def test_a_comparison_ends_with_what_has_become_worse(changes, code):
    assert code_of_changes(changes) == code
