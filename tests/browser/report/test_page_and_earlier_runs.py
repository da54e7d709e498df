"""The page compared with an earlier run that it knows of, in the browser and in its address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders.axe_rules import violations
from builders.past import CHANGES
from builders.reports import a_report, a_service, an_environment, digest
from playwright.sync_api import Page, expect

from matrix.baseline import sides_of
from matrix.core.changes import Side, compare, side_of, sides_of_grid
from matrix.core.grid import GridCell, Report
from matrix.core.history import PANEL_LENGTH, Change
from matrix.core.model import CellId
from matrix.core.result import CellResult, Run, RunState
from matrix.core.store_ports import Store
from matrix.core.verdict import Verdict
from matrix.report import render
from matrix.store.memory import open_memory

BEGAN = datetime(2026, 11, 1, 6, tzinfo=UTC)
LETTERS = {verdict.value[0]: verdict for verdict in Verdict}
SERVICES, ENVIRONMENTS = ("queue", "api", "web", "jobs"), ("qa", "dev", "cloud")
#: Run → its release.
RUNS = {"run1": "2.2", "run2": "2.3", "run3": "", "run4": "2.3", "run5": "2.4", "run6": ""}
#: Cell → what each run came to: a verdict, with e another state of the second host, with p other
#: probes; "-" was not measured.
PAST = {
    "queue@qa": "P P P - P F",
    "queue@dev": "F F P - P P",
    "queue@cloud": "F F F F F F",
    "api@qa": "- - P P - P",
    "api@dev": "P P P - Pe Pe",
    "api@cloud": "P P P Pp P Pp",
    "web@qa": "E E E F E F",
    "web@dev": "E E E P - P",
    "web@cloud": "P W P - P E",
    "jobs@qa": "W W - P P W",
    "jobs@dev": "F M - M F P",
    # jobs@cloud was left out on purpose.
}
#: Runs that measured all there was to measure, so that what they came to is what the grid showed.
WHOLE = ("run1", "run2")


def at(name: str) -> CellId:
    service, _, environment = name.partition("@")
    return CellId(service=service, environment=environment)


def a_result(name: str, came_to: str, *, ended: datetime) -> CellResult:
    service, _, environment = name.partition("@")
    second = f"{environment}-2{' moved' if 'e' in came_to else ''}"
    return CellResult(
        cell=at(name),
        verdict=LETTERS[came_to[0]],
        image_id=digest(service),
        fingerprint=f"{digest(f'{environment}-1')}+{digest(second)}",
        probes_digest=digest(f"probes of {service}{' more' if 'p' in came_to else ''}"),
        finished_at=ended,
    )


def record(store: Store, run: str, number: int, came_to: Mapping[str, str]) -> None:
    began = BEGAN + timedelta(days=number)
    store.begin(
        Run(
            id=run,
            state=RunState.RUNNING,
            started_at=began,
            release=RUNS.get(run, ""),
            by="qa@build-3",
            plan_digest=digest("plan"),
            cells=tuple(map(at, came_to)),
            version="1",
        )
    )
    for minutes, (name, one) in enumerate(came_to.items()):
        store.record_cell(run, a_result(name, one, ended=began + timedelta(minutes=minutes)))
    store.finish(run, state="finished", at=began + timedelta(hours=1), leftovers=())


def a_report_of(store: Store, *more: GridCell) -> Report:
    """The newest grid of *store*, and *more* cells."""
    cells = [
        GridCell(cell=cell, verdict=result.verdict, run=run, result=result)
        for cell, (run, result) in store.newest_cells().items()
    ]
    report = a_report(
        tuple(map(a_service, SERVICES)), tuple(map(an_environment, ENVIRONMENTS)), (*cells, *more)
    )
    return replace(report, history=store.histories())


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A store, its page, and what its grid showed after each run."""

    store: Store
    report: Report
    showed: Mapping[str, Mapping[CellId, Side]]


@pytest.fixture(scope="module")
def told() -> Told:
    store = open_memory("", clean=lambda text: text)
    showed = {}
    for number, run in enumerate(RUNS):
        came_to = {name: past.split()[number] for name, past in PAST.items()}
        record(store, run, number, {name: to for name, to in came_to.items() if to != "-"})
        showed[run] = {cell: side_of(one) for cell, (_, one) in store.newest_cells().items()}
    left_out = GridCell(cell=at("jobs@cloud"), verdict=Verdict.UNSUPPORTED, reason="requirement")
    return Told(store=store, report=a_report_of(store, left_out), showed=showed)


@pytest.fixture
def earlier(
    open_page: Callable, pages: dict[str, Path], told: Told, tmp_path: Path
) -> Callable[..., Page]:
    """Opens the page of those runs."""
    pages["runs"] = tmp_path / "runs.html"
    pages["runs"].write_text(render("html", told.report), encoding="utf-8")
    return lambda fragment="", **options: open_page("runs", fragment, **options).page


def changes(page: Page) -> dict[str, str]:
    """Cell → its class, as the list below the grid has it."""
    read = """all => Object.fromEntries(all.flatMap((one) => [...one.querySelectorAll('dd > *')]
        .map((cell) => [cell.textContent, one.dataset.change])))"""
    return dict(page.locator("#changes:not([hidden]) [data-change]").evaluate_all(read))


def said(before: Mapping[CellId, Side], report: Report) -> dict[str, str]:
    """The same as ``matrix diff`` has it."""
    found = compare(before, sides_of_grid(report.grid), baseline="").changes
    return {str(cell): kind.value for cell, kind in found.items()}


def choose(page: Page, name: str) -> None:
    page.locator("#base").select_option(name)
    expect(page.locator("#shown")).to_contain_text(f"Compared with {name}:")


def test_a11_an_earlier_run_and_the_command_tell_the_same_changes(
    earlier: Callable, told: Told
) -> None:
    page = earlier()
    found = {}
    for run in tuple(RUNS)[:-1]:
        choose(page, run)
        found[run] = changes(page)
        assert found[run] == said(told.showed[run], told.report), run
    assert page.get_by_text("Nothing changed.").is_hidden()
    for run in WHOLE:
        assert found[run] == said(sides_of(told.store, run), told.report), run
    classes = {kind for each in found.values() for kind in each.values()}
    assert classes == {kind.value for kind in Change}
    assert found["run2"]["api@dev"] == "environment changed"
    assert found["run2"]["api@cloud"] == "probe set changed"


def test_a11_a_release_is_its_newest_answers_whatever_was_measured_between(
    earlier: Callable, told: Told
) -> None:
    page = earlier()
    for release in ("2.2", "2.3", "2.4"):
        choose(page, release)
        own = sides_of(told.store, release)
        # Of what the release did not measure, the page tells what the grid showed then.
        last = max(run for run, of in RUNS.items() if of == release)
        assert changes(page) == said({**told.showed[last], **own}, told.report), release
    assert changes(page)["queue@qa"] == "regression"


def test_a8_what_is_compared_with_is_part_of_the_permalink(
    open_page: Callable, earlier: Callable, told: Told
) -> None:
    expected = said(told.showed["run3"], told.report)
    page = earlier("#q=is:changed&base=run3&cell=web@cloud")
    expect(page.locator("#shown")).to_have_text(
        f"{len(expected)} of 12 cells shown. Compared with run3: {len(expected)} cells changed."
    )
    assert changes(page) == expected
    assert page.locator("#base").input_value() == "run3"
    expect(page.locator("#panel .chip.change")).to_have_text("disappeared since run3")
    choose(page, "run1")
    assert page.evaluate("location.hash") == "#q=is:changed&base=run1&cell=web@cloud"
    page.go_back()
    expect(page.locator("#shown")).to_contain_text("Compared with run3:")
    assert changes(page) == expected
    page.locator("#base").select_option("")
    expect(page.locator("#changes")).to_be_hidden()
    assert page.evaluate("location.hash") == "#q=is:changed&cell=web@cloud"
    assert page.locator("td[data-change], .chip.change").count() == 0


def test_without_a_base_the_page_is_compared_as_it_was_written(open_page: Callable) -> None:
    watched = open_page("past", "#base=2.2")
    page = watched.page
    title = page.locator('.tile[href="#cell=queue@cluster"]')
    expect(page.locator("#changes .baseline")).to_have_text("2.2")
    assert "\nnew failure since 2.2" in str(title.get_attribute("title"))
    assert changes(page) != {cell: kind.value for cell, kind in CHANGES.items()}
    assert page.locator("#base option").first.inner_text() == "2.3 (as written)"
    page.locator("#base").select_option("")
    expect(page.locator("#changes .baseline")).to_have_text("2.3")
    assert changes(page) == {cell: kind.value for cell, kind in CHANGES.items()}
    assert "\nregression since 2.3" in str(title.get_attribute("title"))
    assert page.locator("td[data-change]").count() == 8
    assert watched.complaints == []


def test_an_unknown_base_is_said_and_changes_nothing(open_page: Callable) -> None:
    page = open_page("past", "#base=41").page
    expect(page.locator("#shown")).to_have_text(
        "This page knows no earlier run and no release called “41”, so it is compared with 2.3."
    )
    assert changes(page) == {cell: kind.value for cell, kind in CHANGES.items()}
    assert page.locator("#base").input_value() == ""


def test_a_file_takes_the_place_of_a_base(
    earlier: Callable, pages: dict[str, Path], told: Told, tmp_path: Path
) -> None:
    page = earlier("#base=run2")
    expect(page.locator("#shown")).to_contain_text("Compared with run2:")
    other = tmp_path / "other.txt"
    other.write_text("hello", encoding="utf-8")
    page.locator("#baseline").set_input_files(other)
    expect(page.locator("#shown")).to_contain_text("it is no report of ours")
    assert changes(page) == said(told.showed["run2"], told.report)
    page.locator("#baseline").set_input_files(pages["runs"])
    now = said(sides_of_grid(told.report.grid), told.report)
    expect(page.locator("#shown")).to_contain_text(f"runs.html: {len(now)} cells changed.")
    assert page.evaluate("location.hash") == "#grid"
    assert page.locator("#base option:checked").inner_text() == "runs.html"
    page.locator("#query").fill("service:web")
    expect(page.locator("#shown")).to_have_text("3 of 12 cells shown")
    assert changes(page) == now
    page.locator("#base").select_option("run2")
    expect(page.locator("#shown")).to_contain_text("Compared with run2:")
    assert changes(page) == said(told.showed["run2"], told.report)
    page.locator("#baseline").set_input_files(pages["runs"])
    expect(page.locator("#shown")).to_contain_text("Compared with runs.html")
    page.locator("#base").select_option("")
    expect(page.locator("#changes")).to_be_hidden()


def test_what_is_no_longer_kept_of_a_cell_is_said_and_not_compared(
    open_page: Callable, pages: dict[str, Path], tmp_path: Path
) -> None:
    store = open_memory("", clean=lambda text: text)
    record(store, "first", 0, {"queue@qa": "F", "api@qa": "P"})
    for number in range(PANEL_LENGTH):
        record(store, f"again{number:02}", number + 1, {"queue@qa": "P"})
    pages["kept"] = tmp_path / "kept.html"
    pages["kept"].write_text(render("html", a_report_of(store)), encoding="utf-8")
    page = open_page("kept", "#base=first").page
    expect(page.locator("#shown")).to_have_text(
        "Compared with first: 0 cells changed. What 1 cell came to then is no longer kept."
    )
    expect(page.get_by_text("Nothing changed.")).to_be_visible()
    assert changes(page) == {}


def test_only_a_file_can_be_compared_with_where_no_earlier_run_is_known(
    open_page: Callable,
) -> None:
    page = open_page("shop").page
    assert not page.locator("#base").is_visible()
    assert " ".join(page.locator("label.file").inner_text().split()) == "Compare with a file …"


def test_without_a_script_nothing_offers_a_comparison(open_page: Callable) -> None:
    page = open_page("past", java_script_enabled=False).page
    assert page.locator("#base").count() == 1
    assert not page.locator("#base").is_visible()
    assert page.locator("#changes .baseline").inner_text() == "2.3"


def test_a5_axe_finds_nothing_in_a_comparison(earlier: Callable) -> None:
    phone = {"width": 320, "height": 900}
    page = earlier("#base=run2", viewport=phone, bypass_csp=True, reduced_motion="reduce")
    expect(page.locator("#shown")).to_contain_text("Compared with run2:")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    found = violations(page)
    assert found.violations_count == 0, found.generate_report()
