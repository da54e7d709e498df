"""The gate: what opens it, and which exit code wins."""

import itertools
import signal
from dataclasses import replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.core.errors import (
    ConfigError,
    ConfigFault,
    ContainerExited,
    MatrixError,
    StoreError,
    Unreachable,
    UsageError,
)
from matrix.core.gate import (
    PRECEDENCE,
    Background,
    Exit,
    code_of_error,
    exit_code,
    first_of,
    judge,
)
from matrix.core.grid import Decision, Door, Grid, GridCell
from matrix.core.model import CellId, Environment, Kind, Policy, RunSettings, Service
from matrix.core.result import CellResult
from matrix.core.verdict import Verdict

ROWS = ("queue", "web")
COLUMNS = ("laptop", "qa")
IDS = tuple(CellId(service=row, environment=column) for row in ROWS for column in COLUMNS)


def a_grid(verdicts, rows=ROWS, columns=COLUMNS):
    cells = {
        cell: GridCell(cell=cell, verdict=verdict, reason="why", message="two\nlines")
        for cell, verdict in verdicts.items()
    }
    return Grid(
        services=tuple(
            Service(name=row, title=row, contents="", image=row, settings=RunSettings())
            for row in rows
        ),
        environments=tuple(
            Environment(name=column, title=column, kind=Kind.QA, hosts=(), engine="docker")
            for column in columns
        ),
        cells=cells,
    )


def all_are(verdict, **others):
    verdicts = dict.fromkeys(IDS, verdict)
    for name, other in others.items():
        row, column = name.split("_")
        verdicts[CellId(service=row, environment=column)] = other
    return a_grid(verdicts)


GREEN = Verdict.PASSED
PLAIN = Background(today=date(2026, 11, 22), flaky=(), baseline=None, waivers=())


@pytest.mark.parametrize(
    ("grid", "policy", "door", "code"),
    [
        (all_are(GREEN), Policy(), Door.OPEN, 0),
        (all_are(GREEN, queue_qa=Verdict.WARNED), Policy(), Door.OPEN, 0),
        (
            all_are(GREEN, queue_qa=Verdict.WARNED),
            Policy(warned_closes=True),
            Door.CLOSED,
            1,
        ),
        (all_are(GREEN, queue_qa=Verdict.FAILED), Policy(), Door.CLOSED, 1),
        (all_are(GREEN, queue_qa=Verdict.ERROR), Policy(), Door.INCOMPLETE, 3),
        (all_are(GREEN, queue_qa=Verdict.MISSING), Policy(), Door.INCOMPLETE, 4),
        (all_are(GREEN, queue_qa=Verdict.STALE), Policy(), Door.INCOMPLETE, 4),
        (all_are(GREEN, queue_qa=Verdict.UNSUPPORTED), Policy(), Door.INCOMPLETE, 4),
        (
            all_are(GREEN, queue_qa=Verdict.UNSUPPORTED),
            Policy(allow_unsupported=("queue@qa",)),
            Door.OPEN,
            0,
        ),
        (
            all_are(GREEN, queue_qa=Verdict.UNSUPPORTED, web_qa=Verdict.UNSUPPORTED),
            Policy(allow_unsupported=("queue@qa",)),
            Door.INCOMPLETE,
            4,
        ),
        (
            all_are(Verdict.MISSING, queue_qa=Verdict.FAILED, web_qa=Verdict.ERROR),
            Policy(),
            Door.CLOSED,
            1,
        ),
        (all_are(Verdict.MISSING, web_qa=Verdict.ERROR), Policy(), Door.INCOMPLETE, 3),
        (all_are(GREEN, web_qa=Verdict.FAILED), Policy(required=("queue@*",)), Door.OPEN, 0),
        (all_are(GREEN), Policy(required=()), Door.INCOMPLETE, 4),
        (all_are(GREEN), Policy(required=("*@prod",)), Door.INCOMPLETE, 4),
        (all_are(GREEN), Policy(required=("*", "*@prod")), Door.INCOMPLETE, 4),
        (a_grid({}), Policy(), Door.INCOMPLETE, 4),
        (a_grid({}, rows=()), Policy(), Door.INCOMPLETE, 4),
    ],
)
def test_the_door_and_the_code_follow_the_table(grid, policy, door, code):
    decision = judge(grid, policy, PLAIN)
    assert (decision.door, decision.exit_code) == (door, code)
    assert bool(decision.reasons) is (door is not Door.OPEN)


def test_reasons_are_one_line_each_with_the_worst_first():
    grid = all_are(GREEN, queue_laptop=Verdict.STALE, web_laptop=Verdict.FAILED)
    assert judge(grid, Policy(), PLAIN).reasons == (
        "web@laptop: FAILED (why): two lines",
        "queue@laptop: STALE (why): two lines",
    )


def test_only_verdicts_that_say_something_count_as_known():
    grid = all_are(GREEN, queue_qa=Verdict.ERROR, web_qa=Verdict.STALE)
    decision = judge(grid, Policy(), PLAIN)
    assert (decision.required, decision.known) == (4, 2)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(IDS), st.sampled_from(Verdict)),
    st.lists(st.sampled_from(["*", "queue@*", "*@qa", "web@laptop", "x@y"]), max_size=3),
    st.lists(st.sampled_from(["queue@qa", "web@*"]), max_size=2),
    st.booleans(),
)
def test_the_gate_opens_only_when_every_required_cell_is_known_to_be_good(
    verdicts, required, allowed, warned_closes
):
    policy = Policy(
        required=tuple(required), allow_unsupported=tuple(allowed), warned_closes=warned_closes
    )
    decision = judge(a_grid(verdicts), policy, PLAIN)
    ids = [cell for cell in IDS if any(fnmatchcase(str(cell), one) for one in required)]

    def good(cell):
        verdict = verdicts.get(cell, Verdict.MISSING)
        by_name = any(fnmatchcase(str(cell), one) for one in allowed)
        return (
            verdict is Verdict.PASSED
            or (verdict is Verdict.WARNED and not warned_closes)
            or (verdict is Verdict.UNSUPPORTED and by_name)
        )

    if decision.door is Door.OPEN:
        assert ids
        assert all(good(cell) for cell in ids)
        assert "x@y" not in required
    assert (decision.door is Door.OPEN) is (decision.exit_code == 0)
    assert (decision.door is Door.OPEN) is (not decision.reasons)


@settings(deadline=None)
@given(st.sampled_from([Verdict.MISSING, Verdict.STALE]), st.sampled_from(IDS), st.booleans())
def test_one_cell_missing_or_stale_never_opens(verdict, cell, warned_closes):
    grid = all_are(GREEN)
    cells = {**grid.cells, cell: replace(grid.cells[cell], verdict=verdict)}
    policy = Policy(allow_unsupported=("*",), warned_closes=warned_closes)
    assert judge(replace(grid, cells=cells), policy, PLAIN).exit_code == 4


def decided(code):
    return Decision(door=Door.CLOSED, exit_code=code, reasons=(), required=1, known=1)


@pytest.mark.parametrize(
    ("code", "leftovers", "interrupted", "expected"),
    [
        (0, False, None, 0),
        (1, False, None, 1),
        (0, True, None, 5),
        (1, True, signal.SIGINT, 5),
        (1, False, signal.SIGINT, 130),
        (3, False, signal.SIGTERM, 143),
        (0, False, signal.SIGHUP, 143),
        (4, False, None, 4),
    ],
)
def test_what_a_command_knows_comes_before_the_decision(code, leftovers, interrupted, expected):
    found = exit_code(decided(code), leftovers=leftovers, interrupted=interrupted)
    assert found == expected


def test_an_exit_code_is_not_taken_for_a_signal():
    with pytest.raises(ValueError, match="143"):
        exit_code(decided(0), leftovers=False, interrupted=143)


def test_the_codes_win_in_the_order_of_the_design():
    assert [int(code) for code in PRECEDENCE] == [6, 70, 5, 130, 143, 2, 1, 3, 4, 0]
    for winner, loser in itertools.combinations(PRECEDENCE, 2):
        assert first_of([loser, winner]) == winner
    assert set(PRECEDENCE) == set(Exit)
    assert first_of([]) == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (ConfigError((ConfigFault(file="f", key="", found="x", allowed="y"),)), 2),
        (KeyboardInterrupt(), 130),
        (Unreachable(), 3),
        (StoreError(), 3),
        (ContainerExited(), 1),
        (MatrixError("x"), 70),
        (KeyError("x"), 70),
    ],
)
def test_an_error_that_ends_a_command_has_its_code(error, code):
    assert code_of_error(error) == code


def test_the_oldest_cell_is_one_that_is_required() -> None:
    days = dict(zip(IDS, (4, 3, 2, 1), strict=True))
    grid = all_are(GREEN)
    cells = {
        at: replace(
            cell,
            result=CellResult(
                cell=at, verdict=GREEN, finished_at=datetime(2026, 11, days[at], tzinfo=UTC)
            ),
        )
        for at, cell in grid.cells.items()
    }
    measured = replace(grid, cells=cells)
    assert judge(measured, Policy(), PLAIN).oldest == IDS[3]
    assert judge(measured, Policy(required=("queue@*",)), PLAIN).oldest == IDS[1]
    assert judge(grid, Policy(), PLAIN).oldest is None
