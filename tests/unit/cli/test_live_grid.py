"""The grid on a terminal: what it shows, and that nothing jumps about."""

import io
from pathlib import Path

import pytest
from builders.reports import a_service, an_attempt, an_environment
from rich.console import Console

from matrix.cli.progress import LiveGrid
from matrix.core.model import CellId, Policy, Project
from matrix.core.plan import Plan, PlannedCell
from matrix.core.ports import Event
from matrix.core.result import CellResult
from matrix.core.verdict import Verdict

SERVICES = (
    a_service("web", title="Static website"),
    a_service("queue", title="Queue"),
)
ENVIRONMENTS = (
    an_environment("laptop", title="Contributor's laptop"),
    an_environment("qa", title="QA server"),
    an_environment("production", title="Single production server"),
    an_environment("customer", title="Customer server"),
)


def a_project(environments=ENVIRONMENTS):
    return Project(
        root=Path("/shop"),
        name="shop",
        services=SERVICES,
        images=(),
        environments=environments,
        policy=Policy(),
        catalogue_file=Path("/p/images/catalogue.toml"),
        policy_file=Path("/p/policy.toml"),
        outside_probes=Path("/shop/probes/outside"),
        reports=Path("/shop/reports"),
        state=Path("/shop/.matrix"),
    )


def a_plan(environments=ENVIRONMENTS):
    cells = tuple(
        PlannedCell(
            cell=CellId(service=service.name, environment=environment.name),
            service=service,
            environment=environment,
            probes=(),
        )
        for environment in reversed(environments)
        for service in reversed(SERVICES)
    )
    return Plan(cells=cells, digest="0" * 64)


def a_grid(*, width=80, environments=ENVIRONMENTS):
    console = Console(file=io.StringIO(), width=width, height=24, force_terminal=True)
    return LiveGrid(a_plan(environments), a_project(environments), console), console


def picture(grid, console):
    with console.capture() as captured:
        console.print(grid._picture(), no_wrap=True)
    text = captured.get()
    return [line.rstrip() for line in Console(no_color=True).render_str(text).plain.splitlines()]


def plain(grid, console):
    console.no_color = True
    console._color_system = None
    return picture(grid, console)


def an_ending(service, environment, verdict, reason=""):
    cell = CellId(service=service, environment=environment)
    result = CellResult(
        cell=cell, verdict=verdict, reason=reason, attempts=(an_attempt(verdict=verdict),)
    )
    return Event(kind="cell", environment=environment, service=service, result=result)


def test_rows_and_columns_are_in_the_order_of_the_project():
    lines = plain(*a_grid(width=120))
    head = next(line for line in lines if "QA server" in line)
    assert head.index("QA server") < head.index("Customer server")
    rows = [line.split()[0] for line in lines if line.startswith(("Static", "Queue"))]
    assert rows == ["Static", "Queue"]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    grid, console = a_grid(width=width)
    grid.watch(Event(kind="environment", environment="qa", text="cannot be used: " + "x" * 300))
    grid.watch(an_ending("web", "qa", Verdict.ERROR, "environment"))
    assert max(map(len, plain(grid, console))) <= width


def test_columns_keep_their_place_whatever_happens():
    grid, console = a_grid()
    before = plain(grid, console)
    grid.watch(Event(kind="environment", environment="laptop", text="connecting, measuring"))
    grid.watch(Event(kind="probe", environment="laptop", service="web", done=7, total=61))
    grid.watch(an_ending("web", "qa", Verdict.PASSED))
    after = plain(grid, console)
    assert len(before) == len(after)
    for title in ("production", "Customer"):
        places = [
            [line.index(title) for line in lines if title in line] for lines in (before, after)
        ]
        assert places[0] == places[1]


def test_many_environments_are_shown_by_name():
    many = tuple(an_environment(f"site-{n}", title=f"Customer number {n}") for n in range(7))
    lines = plain(*a_grid(environments=many))
    assert any("site-6" in line for line in lines)
    assert not any("Customer" in line for line in lines)


def test_probes_count_up_and_the_verdict_takes_their_place():
    grid, console = a_grid()
    grid.watch(Event(kind="start", environment="qa", service="web", text="starting 1 container"))
    assert any("starting" in line for line in plain(grid, console))
    grid.watch(Event(kind="probe", environment="qa", service="web", done=7, total=61))
    assert any("7/61" in line for line in plain(grid, console))
    grid.watch(an_ending("web", "qa", Verdict.PASSED))
    row = next(line for line in plain(grid, console) if line.startswith("Static website"))
    assert "7/61" not in row
    assert "✓ 12.3 s" in row


def test_a_retry_is_shown_as_work_again():
    grid, console = a_grid()
    grid.watch(Event(kind="probe", environment="qa", service="web", done=7, total=61))
    grid.watch(Event(kind="retry", environment="qa", service="web", text="conn-lost"))
    row = next(line for line in plain(grid, console) if line.startswith("Static website"))
    assert "again" in row
    assert "web@qa: conn-lost" in console.file.getvalue()


def test_the_caption_counts_verdicts():
    grid, console = a_grid()
    grid.watch(an_ending("web", "qa", Verdict.PASSED))
    grid.watch(an_ending("web", "laptop", Verdict.PASSED))
    grid.watch(an_ending("queue", "qa", Verdict.FAILED, "assertion"))
    caption = plain(grid, console)[-1]
    assert "3 of 8 cells" in caption
    assert "✓ 2" in caption
    assert "✗ 1" in caption


def test_nothing_a_host_says_reaches_the_terminal_raw():
    grid, console = a_grid()
    grid.watch(Event(kind="environment", environment="qa", text="\x1b]0;owned\x07 ready"))
    grid.watch(Event(kind="note", environment="qa", text="\x1b[2Jgone"))
    assert "\x1b]0" not in "".join(picture(grid, console)) + console.file.getvalue()
    assert "\x1b[2J" not in console.file.getvalue()
