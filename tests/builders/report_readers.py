"""Each format read back: which cells it shows, with which verdict, in the order they stand.

One reader per row of RENDERERS that shows cells, and the names of those that show the decision
alone; the contract suite fails for a renderer that is neither.
"""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import unquote

from markdown_it import MarkdownIt

from matrix.core.grid import Report
from matrix.core.verdict import GLYPHS, Verdict

BY_GLYPH = {glyph: verdict for verdict, glyph in GLYPHS.items()}
Cells = list[tuple[str, Verdict]]


class Elements(HTMLParser):
    """Every element with its attributes, and the text that a reader of the page sees."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] not in ("script", "style"):
            self.text += data


def read_html(document: str, report: Report) -> Cells:
    cells = []
    verdict = ""
    for tag, attributes in Elements(document).found:
        if tag == "td":
            verdict = attributes["data-verdict"]
        if attributes.get("class") == "tile":
            cells.append((unquote(attributes["href"]).removeprefix("#cell="), Verdict(verdict)))
    return cells


def read_text(document: str, report: Report) -> Cells:
    """Tables in several parts, columns two blanks apart, as plain text shows them."""
    cells = []
    for block in document.split("\n\n"):
        lines = block.splitlines()
        if len(lines) < 2 or not lines[1].startswith("--"):
            continue
        starts = [match.start() for match in re.finditer("-+", lines[1])]
        table = [[line[a:b].strip() for a, b in spans(starts)] for line in lines]
        for row in table[2:]:
            cells += [
                (f"{row[0]}@{head}", BY_GLYPH[cell[0]])
                for head, cell in zip(table[0][1:], row[1:], strict=True)
            ]
    return cells


def spans(starts: list[int]) -> list[tuple[int, int | None]]:
    return list(zip(starts, [*starts[1:], None], strict=True))


def read_junit(document: str, report: Report) -> Cells:
    return [
        (
            f"{item.get('name', '').removeprefix('cell:')}@{suite.get('name')}",
            Verdict(item.get("value")),
        )
        for suite in ET.fromstring(document).iter("testsuite")
        for item in suite.iter("property")
        if item.get("name", "").startswith("cell:")
    ]


def read_json(document: str, report: Report) -> Cells:
    return [(cell["id"], Verdict(cell["verdict"])) for cell in json.loads(document)["cells"]]


def read_markdown(document: str, report: Report) -> Cells:
    """The first table of the page as a platform would render it, by rows and columns."""
    html = as_html(document)
    table = html[html.index("<tbody>") : html.index("</tbody>")]
    cells = []
    for service, row in zip(report.grid.services, table.split("<tr>")[1:], strict=True):
        shown = re.findall("<td>(.*?)</td>", row)[1:]
        for environment, cell in zip(report.grid.environments, shown, strict=True):
            cells.append((f"{service.name}@{environment.name}", BY_GLYPH[cell[0]]))
    return cells


def read_csv(document: str, report: Report) -> Cells:
    rows = csv.DictReader(io.StringIO(document))
    return [(f"{row['service']}@{row['environment']}", Verdict(row["verdict"])) for row in rows]


def read_ctrf(document: str, report: Report) -> Cells:
    cells = json.loads(document)["results"]["extra"]["cells"]
    return [(name, Verdict(verdict)) for name, verdict in cells.items()]


def read_in_toto(document: str, report: Report) -> Cells:
    (plan,) = json.loads(document)["predicate"]["configuration"]
    return [(name, Verdict(verdict)) for name, verdict in plan["annotations"]["cells"].items()]


def as_html(document: str) -> str:
    """Markdown with tables and raw HTML, as the large platforms take it."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(document)


READERS: dict[str, Callable[[str, Report], Cells]] = {
    "html": read_html,
    "text": read_text,
    "junit": read_junit,
    "json": read_json,
    "markdown": read_markdown,
    "github-summary": read_markdown,
    "csv": read_csv,
    "ctrf": read_ctrf,
    "in-toto": read_in_toto,
}
#: They show the decision and no cells.
SIGNS = ("github-annotations", "dotenv", "status", "badge", "shields")
