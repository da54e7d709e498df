"""The grid by keyboard, its panels, its filters and its links."""

import shlex
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.getAttribute('href') || ''").removeprefix("#cell=")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.fixture
def grid(open_page: Callable) -> Page:
    """The page with the focus on the first cell."""
    page = open_page("shop").page
    page.locator(".tile").first.focus()
    return page


def test_a4_tab_enters_the_grid_once(open_page: Callable) -> None:
    page = open_page("shop").page
    stops = []
    for _ in range(40):
        press(page, "Tab")
        stops.append(page.evaluate("Boolean(document.activeElement.closest('.grid'))"))
    assert stops.count(True) == 1


@pytest.mark.parametrize(
    ("keys", "cell"),
    [
        (["ArrowRight"], "website@dev"),
        (["ArrowDown", "ArrowDown", "ArrowRight"], "api@dev"),
        (["ArrowLeft"], "website@laptop"),
        (["ArrowUp"], "website@laptop"),
        (["End"], "website@acme"),
        (["ArrowDown", "End", "Home"], "queue@laptop"),
        (["Control+End"], "frontend@acme"),
        (["Control+End", "ArrowDown", "ArrowRight"], "frontend@acme"),
        (["Control+End", "Control+Home"], "website@laptop"),
        (["PageDown"], "worker@laptop"),
        (["PageDown", "PageUp"], "website@laptop"),
        (["n"], "website@qa"),
        (["n", "n"], "website@acme"),
        (["n", "n", "p"], "website@qa"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else None,
)
def test_a4_keys_land_on_the_expected_cell(grid: Page, keys: list[str], cell: str) -> None:
    press(grid, *keys)
    assert focused(grid) == cell
    assert grid.locator('.tile[tabindex="0"]').count() == 1


def test_a4_enter_opens_and_escape_returns_to_the_same_cell(grid: Page) -> None:
    press(grid, "ArrowDown", "ArrowRight", "Enter")
    assert grid.locator("#panel").get_attribute("data-cell") == "queue@dev"
    assert grid.evaluate("document.activeElement.textContent").startswith("Queue")
    assert grid.url.endswith("#cell=queue@dev")
    press(grid, "Escape")
    assert not grid.locator("#panel").is_visible()
    assert focused(grid) == "queue@dev"


def test_slash_goes_to_the_query_and_escape_back_to_the_cell(grid: Page) -> None:
    press(grid, "ArrowRight", "/", "Escape")
    assert focused(grid) == "website@dev"
    press(grid, "/", *"fails:one")
    assert grid.evaluate("document.activeElement.id") == "query"
    assert grid.url.endswith("#q=fails:one")
    # The cell it came from is not shown any more.
    press(grid, "Escape")
    assert focused(grid) == "website@qa"


def test_a_question_mark_asks_for_help_and_escape_goes_back(grid: Page) -> None:
    press(grid, "ArrowRight", "?")
    help_ = grid.get_by_role("dialog", name="Asking the grid")
    expect(help_).to_be_visible()
    press(grid, "n", "/", "Escape")
    expect(help_).to_be_hidden()
    assert focused(grid) == "website@dev"


def test_a_focused_cell_is_not_under_the_sticky_head(grid: Page) -> None:
    grid.set_viewport_size({"width": 700, "height": 500})
    press(grid, "Control+End", *["ArrowUp"] * 3, *["ArrowLeft"] * 3)
    tile = grid.locator(".tile:focus").bounding_box()
    head = grid.locator(".grid thead th").nth(1).bounding_box()
    first = grid.locator(".grid tbody th").first.bounding_box()
    assert tile is not None
    assert head is not None
    assert first is not None
    assert tile["x"] >= first["x"] + first["width"]
    assert tile["y"] >= head["y"] + head["height"]


def test_the_first_column_and_the_head_stay_in_sight(open_page: Callable) -> None:
    page = open_page("shop", viewport={"width": 700, "height": 500}).page
    page.locator("#grid").evaluate("scroller => scroller.scrollTo(9999, 9999)")
    box = page.locator("#grid").bounding_box()
    first = page.locator(".grid tbody th").last.bounding_box()
    head = page.locator(".grid thead th").last.bounding_box()
    assert box is not None
    assert first is not None
    assert head is not None
    assert abs(first["x"] - box["x"]) <= 2
    assert abs(head["y"] - box["y"]) <= 2


def test_a8_a_link_opens_the_same_state_somewhere_else(open_page: Callable) -> None:
    first = open_page("past").page
    first.locator("#query").fill("status:failed,error")
    first.locator("#columns").select_option("kind")
    first.locator('.tile[href="#cell=queue@qa"]').click()
    fragment = first.evaluate("location.hash")
    second = open_page("past", fragment).page
    for page in (first, second):
        assert page.locator("#panel").get_attribute("data-cell") == "queue@qa"
        assert page.locator("#query").input_value() == "status:failed,error"
        assert page.locator('button.counter[aria-pressed="true"]').count() == 2
        assert page.locator(".grid thead .groups th:visible").count() == 5
        assert page.evaluate("document.activeElement.id") == "panel-name"
    assert first.locator(".shown").inner_text() == second.locator(".shown").inner_text()


def test_the_back_button_closes_what_was_opened(grid: Page) -> None:
    press(grid, "Enter")
    assert grid.locator("#panel").is_visible()
    grid.go_back()
    expect(grid.locator("#panel")).to_be_hidden()


def test_a_reason_of_the_gate_opens_its_cell(open_page: Callable) -> None:
    page = open_page("shop").page
    page.get_by_role("link", name="queue@cluster: FAILED").click()
    panel = page.locator("#panel[data-ready]")
    assert panel.get_attribute("data-cell") == "queue@cluster"
    assert panel.locator(".probe[open]").count() == 1
    assert "no new primary" in panel.locator(".probe[open]").inner_text()


def test_counters_filter_and_say_how_many_are_left(open_page: Callable) -> None:
    page = open_page("shop").page
    page.get_by_role("button", name="6 failed").click()
    assert page.get_by_role("status").inner_text() == "6 of 49 cells shown"
    assert page.locator("td:not(.out) > .tile:visible").count() == 6
    assert page.locator(".grid tbody tr:visible").count() == 5
    assert page.locator(".grid thead th:visible").count() == 1 + 3
    page.get_by_role("button", name="2 stale").click()
    assert page.get_by_role("status").inner_text() == "8 of 49 cells shown"
    page.get_by_role("button", name="6 failed").click()
    page.get_by_role("button", name="2 stale").click()
    assert page.locator("td:not(.out) > .tile:visible").count() == 49


def test_arrows_skip_what_is_filtered_away(open_page: Callable) -> None:
    page = open_page("shop", "#q=status:stale").page
    page.locator('.tile[tabindex="0"]').focus()
    assert focused(page) == "worker@laptop"
    press(page, "ArrowDown")
    assert focused(page) == "frontend@laptop"
    press(page, "ArrowDown", "ArrowRight")
    assert focused(page) == "frontend@laptop"


def click_for_good(button: Locator) -> None:
    """Click a button whose answer stays until we have seen it, however late we look."""
    button.evaluate("() => { window.setTimeout = () => 0; }")
    button.click()


def test_the_command_is_copied(open_page: Callable) -> None:
    watched = open_page("shop", "#cell=queue@qa", permissions=["clipboard-read", "clipboard-write"])
    page = watched.page
    button = page.locator("#panel .again .copy")
    click_for_good(button)
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "matrix run -s queue -e qa"


def test_the_command_that_repeats_a_probe_is_copied(open_page: Callable) -> None:
    watched = open_page("shop", "#cell=queue@qa", permissions=["clipboard-read", "clipboard-write"])
    page = watched.page
    button = page.locator("#panel[data-ready] .probe[open] .id .copy")
    click_for_good(button)
    expect(button).to_have_text("Copied")
    probe = page.locator("#panel .probe[open] .id code").inner_text()
    words = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert words == ["matrix", "probe", "run", "queue@qa", probe]
