"""Cells that are somebody's own word: told apart, and counted as the policy says."""

from dataclasses import replace
from datetime import date

from builders.reports import an_environment

from matrix.core.gate import Background, judge
from matrix.core.grid import Decision, Door, Grid, GridCell
from matrix.core.model import CellId, Policy, RunSettings, SelfReported, Service
from matrix.core.reading import name_reporters
from matrix.core.result import Reporter
from matrix.core.verdict import Verdict

ACME = Reporter(name="acme", key="SHA256:key")
OURS, THEIRS = (CellId(service="queue", environment=name) for name in ("qa", "acme"))


def a_grid(theirs: Verdict = Verdict.PASSED) -> Grid:
    """One cell of ours and one of run "theirs", which nobody has told apart yet."""
    cells = (
        GridCell(cell=OURS, verdict=Verdict.PASSED, run="ours"),
        GridCell(cell=THEIRS, verdict=theirs, run="theirs"),
    )
    service = Service(
        name="queue", title="Queue", contents="", image="queue", settings=RunSettings()
    )
    return Grid(
        services=(service,),
        environments=(an_environment("qa"), an_environment("acme")),
        cells={cell.cell: cell for cell in cells},
    )


def decided(grid: Grid, **policy: object) -> Decision:
    background = Background(today=date(2026, 11, 22), flaky=(), baseline=None, waivers=())
    return judge(name_reporters(grid, {"theirs": ACME}), Policy(**policy), background)


def test_only_cells_of_a_run_that_is_somebodys_word_are_told_apart():
    grid = name_reporters(a_grid(), {"theirs": ACME, "gone": ACME})
    assert {cell: one.reporter for cell, one in grid.cells.items()} == {OURS: None, THEIRS: ACME}


def test_a_grid_without_them_stays_as_it_is():
    grid = a_grid()
    assert name_reporters(grid, {}) is grid


def test_somebodys_word_opens_the_gate_and_the_gate_says_so():
    decision = decided(a_grid())
    assert decision.door is Door.OPEN
    assert decision.notes == ("queue@acme: self-reported by acme, not measured by us",)


def test_somebodys_word_closes_the_gate():
    decision = decided(a_grid(Verdict.FAILED))
    assert (decision.door, decision.exit_code) == (Door.CLOSED, 1)


def test_a_policy_that_ignores_it_has_nothing_of_that_cell():
    decision = decided(a_grid(), self_reported=SelfReported.IGNORE)
    assert (decision.door, decision.exit_code) == (Door.INCOMPLETE, 4)
    assert decision.reasons == (
        "queue@acme: MISSING (self-reported): acme says PASSED, and the policy counts only what we"
        " measured",
    )
    assert (decision.known, decision.required, decision.notes) == (1, 2, ())


def test_ignored_it_cannot_close_the_gate_where_it_is_not_required():
    decision = decided(
        a_grid(Verdict.FAILED), self_reported=SelfReported.IGNORE, required=("queue@qa",)
    )
    assert decision.door is Door.OPEN


def test_the_gate_names_only_some_of_many():
    grid = a_grid()
    services = tuple(replace(grid.services[0], name=f"s{number}") for number in range(6))
    cells = {
        at: GridCell(cell=at, verdict=Verdict.PASSED, run="theirs")
        for one in services
        for at in (CellId(service=one.name, environment="acme"),)
    }
    environments = (an_environment("acme"),)
    (note,) = decided(Grid(services=services, environments=environments, cells=cells)).notes
    assert note == (
        "s0@acme, s1@acme, s2@acme, s3@acme and 2 more: self-reported by acme, not measured by us"
    )
