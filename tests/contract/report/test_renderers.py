"""What every renderer has to hold, whatever it renders to."""

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html import unescape

import pytest
from builders.report_readers import READERS, SIGNS, Elements, as_html
from builders.reports import (
    a_hostile_report,
    a_report,
    a_service,
    an_empty_report,
    an_environment,
)
from builders.shop import shop_report

from matrix.core.errors import UsageError
from matrix.core.grid import Door, Report
from matrix.core.verdict import Verdict
from matrix.report import FILES, RENDERERS, render
from matrix.report.summary import places

REPORTS: dict[str, Callable[[], Report]] = {
    "realistic": shop_report,
    "empty": an_empty_report,
    "hostile": a_hostile_report,
}
#: No control, bidi control, half surrogate or anything XML does not take; line feed and tab stay.
RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

#: They have no place for it, or for more than a word.
WITHOUT_EXIT_CODE = {"junit", "csv", "badge", "shields"}

every_renderer = pytest.mark.parametrize("name", RENDERERS)
every_grid = pytest.mark.parametrize("name", READERS)


@pytest.fixture(scope="module")
def rendered() -> Callable[[str, str], str]:
    """Each pair rendered once for all tests."""
    kept: dict[tuple[str, str], str] = {}

    def of(name: str, which: str) -> str:
        if (name, which) not in kept:
            kept[name, which] = render(name, REPORTS[which]())
        return kept[name, which]

    return of


def test_every_renderer_can_be_read_back() -> None:
    assert {*READERS, *SIGNS} == RENDERERS.keys()
    assert FILES.keys() == RENDERERS.keys()
    assert len(set(FILES.values())) == len(FILES)


@every_grid
@pytest.mark.parametrize("which", REPORTS)
def test_every_cell_stands_once_with_its_verdict(
    name: str, which: str, rendered: Callable[[str, str], str]
) -> None:
    report = REPORTS[which]()
    expected = sorted((str(at.cell.cell), at.cell.verdict.value) for at in places(report))
    found = READERS[name](rendered(name, which), report)
    assert sorted((cell, verdict.value) for cell, verdict in found) == expected


@every_grid
def test_an_empty_plan_is_all_unknown(name: str, rendered: Callable[[str, str], str]) -> None:
    found = READERS[name](rendered(name, "empty"), an_empty_report())
    assert len(found) == 4
    assert {verdict for _, verdict in found} == {Verdict.MISSING}


@pytest.mark.parametrize("name", sorted(RENDERERS.keys() - WITHOUT_EXIT_CODE))
@pytest.mark.parametrize("door", Door)
def test_the_door_is_the_one_it_was_given(name: str, door: Door) -> None:
    # All cells are missing: a renderer that decided for itself would say INCOMPLETE.
    report = a_report((a_service("queue"),), (an_environment("qa"),), door=door, exit_code=77)
    shown = render(name, report)
    assert door.value in shown
    assert "77" in shown
    seen = set(re.findall("[A-Z]+", Elements(shown).text if name == "html" else shown))
    assert seen & {each.value for each in Door} == {door.value}


@every_renderer
def test_a_grid_without_rows_or_columns_can_be_shown(name: str) -> None:
    assert render(name, a_report((), ()))
    assert render(name, a_report((a_service("queue"),), ()))
    assert render(name, a_report((), (an_environment("qa"),)))


@every_renderer
def test_no_control_character_gets_through(name: str, rendered: Callable[[str, str], str]) -> None:
    shown = rendered(name, "hostile")
    assert RAW.findall(shown) == []
    shown.encode("utf-8")


@every_renderer
def test_a_flood_is_cut(name: str, rendered: Callable[[str, str], str]) -> None:
    assert len(rendered(name, "hostile")) < 1_000_000


@every_renderer
def test_a_flood_does_not_take_long(name: str) -> None:
    report = a_hostile_report()
    began = time.process_time()
    render(name, report)
    assert time.process_time() - began < 10


@every_renderer
def test_the_same_report_gives_the_same_document(name: str) -> None:
    assert render(name, an_empty_report()) == render(name, an_empty_report())


def test_hostile_text_makes_no_element_on_the_page(rendered: Callable[[str, str], str]) -> None:
    harmless = [tag for tag, _ in Elements(rendered("html", "realistic")).found]
    page = Elements(rendered("html", "hostile"))
    assert {tag for tag, _ in page.found} <= {*harmless}
    assert [tag for tag, _ in page.found].count("script") == harmless.count("script")
    assert not any(name.startswith("on") for _, names in page.found for name in names)
    addresses = {names["href"] for tag, names in page.found if tag == "a"}
    assert all(address.startswith("#") for address in addresses)
    assert "<script>alert(1)</script>" in page.text


def test_hostile_text_makes_no_element_in_markdown(rendered: Callable[[str, str], str]) -> None:
    page = Elements(as_html(rendered("markdown", "hostile")))
    assert not {tag for tag, _ in page.found} & {"script", "img", "a"}
    shown = re.sub("(?s)<code.*?</code>", "", as_html(rendered("markdown", "hostile")))
    outside_code = unescape(shown)
    assert "@everyone" not in outside_code
    assert "#1" not in outside_code
    assert "<img src=x onerror=alert(2)>" in page.text


def test_hostile_text_stays_text_in_xml(rendered: Callable[[str, str], str]) -> None:
    root = ET.fromstring(rendered("junit", "hostile"))
    known = {"testsuites", "testsuite", "properties", "property", "testcase"}
    known |= {"failure", "error", "skipped", "system-out"}
    assert {element.tag for element in root.iter()} <= known
    failure = root.find(".//failure")
    assert failure is not None
    assert "]]>" in (failure.text or "")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="html, text, junit, json, markdown, csv"):
        render("pdf", an_empty_report())
