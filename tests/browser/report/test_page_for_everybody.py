"""Names, contrast, small screens, paper, and axe's rules."""

import re
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from builders.axe_rules import violations
from builders.reports import a_report, a_service, an_environment
from builders.shop import shop_report
from playwright.sync_api import Browser, Page, expect

from matrix.core.verdict import Verdict
from matrix.report import render
from matrix.report.summary import places

THEMES = ("light", "dark")


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(scope="module")
def colors(browser: Browser, pages: dict[str, Path]) -> Callable[[str, str], str]:
    """``colors("dark", "failed-fill")``: the value of a custom property in a theme."""
    read = "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
    shown = {theme: browser.new_page(color_scheme=theme) for theme in THEMES}
    for page in shown.values():
        page.goto(pages["empty"].as_uri())
    return lambda theme, name: shown[theme].evaluate(read, f"--{name}")


def test_a21_each_cell_is_named_service_on_environment_verdict(open_page: Callable) -> None:
    page = open_page("shop").page
    grid = page.get_by_role("grid", name="Services by environments")
    for place in places(shop_report()):
        name = f"{place.service.title} on {place.environment.title}: {place.cell.verdict.value}"
        cell = grid.get_by_role("gridcell", name=name, exact=True)
        assert cell.count() == 1, name
        assert cell.get_by_role("link", name=name, exact=True).count() == 1


def test_a_column_is_named_by_its_title_and_described_by_what_is_known(open_page: Callable) -> None:
    page = open_page("shop").page
    head = page.get_by_role("columnheader", name="QA server", exact=True)
    expect(head).to_have_accessible_description(
        re.compile("qa ?, reachable .*Debian 13 .*amd64 .*Docker 26.1.5")
    )
    sick = page.get_by_role("columnheader", name="ACME data centre", exact=True)
    expect(sick).to_have_accessible_description(re.compile("customer .*! unreachable"))


@pytest.mark.parametrize("theme", THEMES)
def test_a6_passed_and_failed_differ_by_lightness(colors: Callable, theme: str) -> None:
    passed, failed = colors(theme, "passed-fill"), colors(theme, "failed-fill")
    assert luminance(passed) > luminance(failed)
    assert contrast(passed, failed) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("verdict", Verdict)
def test_a6_text_can_be_read_on_every_fill(colors: Callable, theme: str, verdict: Verdict) -> None:
    name = verdict.value.lower()
    assert contrast(colors(theme, f"{name}-fill"), colors(theme, f"{name}-ink")) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    "verdict", [each for each in Verdict if each.name not in ("PASSED", "UNSUPPORTED")]
)
def test_a6_what_needs_a_look_has_an_edge_that_shows(
    colors: Callable, theme: str, verdict: Verdict
) -> None:
    edge = colors(theme, f"{verdict.value.lower()}-edge")
    assert contrast(edge, colors(theme, "surface")) >= (1.8 if verdict is Verdict.WARNED else 3)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["canvas", "surface", "code"])
@pytest.mark.parametrize("ink", ["ink", "muted", "accent"])
def test_a6_text_can_be_read_on_every_ground(
    colors: Callable, theme: str, ground: str, ink: str
) -> None:
    assert contrast(colors(theme, ground), colors(theme, ink)) >= 4.5


#: axe is put into the page as a script, which the page's own policy would refuse.
FOR_AXE = {"bypass_csp": True, "reduced_motion": "reduce"}


@pytest.mark.parametrize(
    ("name", "fragment", "theme", "width"),
    [
        ("past", "", "light", 1440),
        ("past", "", "dark", 390),
        ("past", "#cell=queue@qa&rows=owner&columns=kind", "light", 1440),
        ("past", "#cell=queue@qa", "light", 390),
        ("past", "#cell=api@cloud&density=compact", "dark", 1440),
        ("past", "#q=status:failed", "light", 1440),
        ("past", "#q=is:changed", "dark", 1440),
        ("past", "#q=env:nowhere", "light", 1440),
        ("past", "#q=colour:red", "dark", 1440),
        ("empty", "", "light", 1440),
        ("hostile", "#cell=queue@qa", "dark", 1440),
    ],
)
def test_a5_axe_finds_nothing(
    open_page: Callable, name: str, fragment: str, theme: str, width: int
) -> None:
    size = {"width": width, "height": 900}
    page = open_page(name, fragment, color_scheme=theme, viewport=size, **FOR_AXE).page
    if "cell=" in fragment:
        page.locator("#panel[data-ready]").wait_for()
    found = violations(page)
    assert found.violations_count == 0, found.generate_report()


def test_a5_axe_finds_nothing_in_what_is_opened_or_marked(open_page: Callable) -> None:
    page = open_page("past", color_scheme="dark", **FOR_AXE).page
    for summary in page.locator("main summary").all():
        summary.click()
    page.get_by_role("button", name="the engine accepted a limit").click()
    assert page.locator("td.marked").count() == 3
    found = violations(page)
    assert found.violations_count == 0, found.generate_report()


def test_a5_axe_finds_nothing_in_the_help(open_page: Callable) -> None:
    page = open_page("shop", **FOR_AXE).page
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    found = violations(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 390, 900, 1440])
def test_a17_nothing_is_lost_on_a_small_screen(open_page: Callable, width: int) -> None:
    page = open_page("shop", viewport={"width": width, "height": 700}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    read = "all => all.map((each) => [each.offsetWidth, each.offsetHeight])"
    sizes = (
        page.locator(".tile, button, summary, select, #query")
        .locator("visible=true")
        .evaluate_all(read)
    )
    assert min(map(min, sizes)) >= 24
    page.locator("#grid").evaluate("scroller => scroller.scrollTo(9999, 0)")
    first = page.locator(".grid tbody th").first.bounding_box()
    last = page.locator(".tile").nth(6).bounding_box()
    assert first is not None
    assert last is not None
    assert first["x"] >= 0
    assert last["x"] + last["width"] <= width
    assert first["x"] + first["width"] <= last["x"]


def test_a17_on_a_phone_the_page_behind_the_panel_is_out_of_reach(open_page: Callable) -> None:
    page = open_page("shop", "#cell=queue@qa", viewport={"width": 390, "height": 700}).page
    assert page.evaluate("document.getElementById('main').inert")
    page.locator("#panel .close").click()
    assert not page.evaluate("document.getElementById('main').inert")


def test_a7_on_paper_the_grid_is_whole_and_the_legend_is_there(
    open_page: Callable, tmp_path: Path
) -> None:
    page = open_page("shop").page
    page.emulate_media(media="print")
    overflow = page.locator("#grid").evaluate("grid => getComputedStyle(grid).overflow")
    assert overflow == "visible"
    head = page.locator(".grid thead").evaluate("head => getComputedStyle(head).display")
    assert head == "table-header-group"
    assert page.locator(".legend").is_visible()
    assert page.locator(".tile:visible").count() == 49
    assert page.locator(".copy:visible, .close:visible, .controls:visible").count() == 0
    read = shutil.which("pdftotext")
    assert read, "this test needs pdftotext: apt-get install poppler-utils"
    paper = tmp_path / "shop.pdf"
    paper.write_bytes(page.pdf(prefer_css_page_size=True))
    width, height = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper.read_bytes())[0]
    assert float(width) > float(height)
    done = subprocess.run([read, "-layout", paper, "-"], check=True, capture_output=True, text=True)
    # The last reason of the gate, which a reader of the screen unfolds.
    assert "api@cloud: ERROR" in done.stdout


def test_a7_forced_colours_keep_an_edge_around_every_cell(open_page: Callable) -> None:
    page = open_page("shop", forced_colors="active").page
    read = "tiles => tiles.map((tile) => getComputedStyle(tile).borderTopWidth)"
    widths = page.locator(".tile").evaluate_all(read)
    assert all(float(width.removesuffix("px")) >= 1 for width in widths)


#: Text with the ground it stands on: the nearest one above it that is not transparent.
ON_GROUND = """all => all.map((element) => {
    const hex = (color) => '#' + color.match(/[\\d.]+/g).slice(0, 3)
        .map((part) => Number(part).toString(16).padStart(2, '0')).join('');
    let ground = element;
    while (ground && /, 0\\)$|transparent/.test(getComputedStyle(ground).backgroundColor)) {
        ground = ground.parentElement;
    }
    const under = ground ? getComputedStyle(ground).backgroundColor : 'rgb(255, 255, 255)';
    return [element.textContent, hex(getComputedStyle(element).color), hex(under)];
})"""


def test_a7_forced_colours_are_legible(open_page: Callable) -> None:
    page = open_page("past", "#cell=queue@qa", forced_colors="active").page
    page.locator("#panel[data-ready]").wait_for()
    texts = "h1, .known, .tile .glyph, .tile .short, .title, .fault, .badge, .legend dd, #panel h2"
    found = page.locator(texts).evaluate_all(ON_GROUND)
    assert len(found) > 150
    for text, ink, ground in found:
        assert contrast(ink, ground) >= 4.5, (text, ink, ground)


@pytest.mark.parametrize(("motion", "name"), [("no-preference", "arrive"), ("reduce", "none")])
def test_a_panel_does_not_slide_in_where_motion_is_not_wanted(
    open_page: Callable, motion: str, name: str
) -> None:
    page = open_page("shop", "#cell=queue@qa", reduced_motion=motion).page
    assert page.locator("#panel").evaluate("one => getComputedStyle(one).animationName") == name


@pytest.mark.parametrize("theme", THEMES)
def test_a6_nothing_but_green_cells_is_green(colors: Callable, theme: str) -> None:
    def is_green(verdict: Verdict) -> bool:
        fill = colors(theme, f"{verdict.value.lower()}-fill")
        red, green, blue = (int(fill[at : at + 2], 16) for at in (1, 3, 5))
        return green > max(red, blue) + 8

    assert [verdict for verdict in Verdict if is_green(verdict)] == [Verdict.PASSED]


def test_headings_go_down_one_step_at_a_time(open_page: Callable) -> None:
    page = open_page("shop", java_script_enabled=False).page
    levels = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all(
        "all => all.map((heading) => Number(heading.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def fill_of(page: Page, verdict: str) -> str:
    """The colour of a cell's fill as it is drawn, ``#rrggbb``."""
    box = page.locator(f'td[data-verdict="{verdict}"] > .tile').first.bounding_box()
    assert box is not None
    corner = {"x": round(box["x"]) + 5, "y": round(box["y"]) + 5, "width": 1, "height": 1}
    return "#" + pixel(page.screenshot(clip=corner)).hex()


def pixel(png: bytes) -> bytes:
    """Red, green and blue of the first pixel: behind the filter byte of the first line (PNG 9)."""
    data, at = b"", 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if name == b"IDAT" else b""
        at += 12 + length
    return zlib.decompress(data)[1:4]


@pytest.mark.parametrize("theme", THEMES)
def test_a6_whoever_sees_fewer_colours_sees_passed_and_failed_apart(
    open_page: Callable, theme: str
) -> None:
    page = open_page("shop", color_scheme=theme).page
    session = page.context.new_cdp_session(page)
    for kind in ("none", "deuteranopia", "protanopia", "achromatopsia"):
        session.send("Emulation.setEmulatedVisionDeficiency", {"type": kind})
        passed, failed = fill_of(page, "PASSED"), fill_of(page, "FAILED")
        assert contrast(passed, failed) >= 3, (kind, passed, failed)


def test_a7_the_head_of_the_grid_is_on_every_sheet(
    open_page: Callable, pages: dict[str, Path], tmp_path: Path
) -> None:
    services = tuple(a_service(f"service-{number}") for number in range(60))
    environments = (an_environment("qa", title="QA server"), an_environment("edge", title="Edge"))
    pages["long"] = tmp_path / "long.html"
    pages["long"].write_text(render("html", a_report(services, environments)), encoding="utf-8")
    paper = tmp_path / "long.pdf"
    paper.write_bytes(open_page("long").page.pdf(prefer_css_page_size=True))
    read = shutil.which("pdftotext")
    assert read, "this test needs pdftotext: apt-get install poppler-utils"
    done = subprocess.run([read, "-layout", paper, "-"], check=True, capture_output=True, text=True)
    sheets = [sheet for sheet in done.stdout.split("\f") if "Service-" in sheet]
    grids = [sheet for sheet in sheets if "MISSING" in sheet or "?" in sheet]
    assert len(grids) >= 2
    assert sum("QA server" in sheet for sheet in grids[:2]) == 2
    assert "Legend" in done.stdout


def is_seen(page: Page, selector: str) -> bool:
    """Whether the middle of an element, scrolled to, is covered by nothing else."""
    page.locator(selector).first.scroll_into_view_if_needed()
    return page.locator(selector).first.evaluate("""(element) => {
        const box = element.getBoundingClientRect();
        const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return element.contains(found);
    }""")


def test_a17_nothing_is_lost_at_four_hundred_per_cent(open_page: Callable) -> None:
    """What a window of 1280 x 1024 is to a page that is zoomed so far: CSS pixels four times as
    large, a fourth as many each way (WCAG 2.2, 1.4.10)."""
    zoomed = {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4}
    page = open_page("shop", **zoomed).page
    assert page.evaluate("[innerWidth, innerHeight, devicePixelRatio]") == [320, 256, 4]
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for selector in ("h1", "#query", "#problems", '.tile[href="#cell=frontend@acme"]', "footer h2"):
        assert is_seen(page, selector), selector
    page.locator(".tile").first.focus()
    page.keyboard.press("Control+End")
    assert is_seen(page, ".tile:focus")
    for key in ("Control+Home", "ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.locator("#panel[data-ready]").wait_for()
    assert page.locator("#panel").evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    for selector in ("#panel .close", "#panel .again .copy", "#panel .probe summary"):
        assert is_seen(page, selector), selector
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert is_seen(page, "dialog .close")
    assert page.locator("dialog").evaluate("one => one.scrollWidth <= one.clientWidth")


def test_the_head_tells_the_age_of_the_oldest_required_cell(open_page: Callable) -> None:
    page = open_page("shop").page
    oldest = shop_report().decision.oldest
    said = page.locator(".about div", has_text="Oldest")
    assert said.locator("a").get_attribute("href") == f"#cell={oldest}"
    assert said.inner_text().split("\n")[-1].endswith("ago, of those required")
