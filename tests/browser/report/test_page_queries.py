"""The page's query language, against the table that the command is held against too."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

TABLE = json.loads((Path(__file__).parents[2] / "builders/queries.json").read_text("utf-8"))
SELECT = """([cells, query, now]) => {
    try {
        return matrix.query.select(cells, query, Date.parse(now)).map(matrix.query.idOf);
    } catch (error) {
        return error.message;
    }
}"""


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Page:
    """A page with nothing but the script's pure parts."""
    page = browser.new_page()
    folder = files("matrix.report") / "templates/script"
    for name in ("start.js", "query.js"):
        page.add_script_tag(content=(folder / name).read_text("utf-8"))
    return page


@pytest.mark.parametrize("case", TABLE["queries"], ids=lambda case: case["query"] or "nothing")
def test_a10_a_query_means_exactly_these_cells(
    blank: Page, case: dict[str, str | list[str]]
) -> None:
    found = blank.evaluate(SELECT, [TABLE["cells"], case["query"], TABLE["now"]])
    assert found == case.get("cells", case.get("error"))
