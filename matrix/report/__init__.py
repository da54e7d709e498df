"""A report as a page, as text, for CI and for programs.

A renderer shows the decision it is given: it decides nothing, prints nothing and exits nothing.
One more format is one file and one row of ``RENDERERS``.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Protocol, cast

from matrix.core.collector import resting
from matrix.core.errors import UsageError
from matrix.core.grid import Report
from matrix.core.model import Environment
from matrix.report.harmless import harmless

#: Name of a format → where its renderer is; loaded when it is asked for.
RENDERERS = {
    "html": "matrix.report.page:render",
    "text": "matrix.report.plain:render",
    "junit": "matrix.report.junit:render",
    "json": "matrix.report.data:render",
    "markdown": "matrix.report.markdown:render",
    "csv": "matrix.report.spreadsheet:render",
    "ctrf": "matrix.report.ctrf:render",
    "in-toto": "matrix.report.intoto:render",
    "github-summary": "matrix.report.github:render_summary",
    "github-annotations": "matrix.report.github:render_annotations",
    "dotenv": "matrix.report.signs:render_dotenv",
    "status": "matrix.report.signs:render_status",
    "badge": "matrix.report.signs:render_badge",
    "shields": "matrix.report.signs:render_shields",
}

#: Name of a format → the file it is written into where nobody says otherwise.
FILES = {
    "html": "report.html",
    "text": "report.txt",
    "junit": "junit.xml",
    "json": "report.json",
    "markdown": "report.md",
    "csv": "report.csv",
    "ctrf": "ctrf.json",
    "in-toto": "in-toto.json",
    "github-summary": "summary.md",
    "github-annotations": "annotations.txt",
    "dotenv": "matrix.env",
    "status": "status.json",
    "badge": "badge.svg",
    "shields": "shields.json",
}

#: Formats that know one environment only: one file for each.
PER_ENVIRONMENT = frozenset({"ctrf"})

#: Columns of a medium that does not say how wide it is.
WIDTH = 100


class Renderer(Protocol):
    """Turns a report into one document."""

    def __call__(self, report: Report, *, width: int) -> str:
        """The whole document; *width* in columns, for media that have columns."""


def render(name: str, report: Report, *, width: int = WIDTH) -> str:
    """*report* in the format *name*; UsageError, naming the known ones, for any other.

    Everything foreign in the report is neutralised here once more, whatever the store did.
    """
    if name not in RENDERERS:
        raise UsageError(f'unknown report format "{name}" (known: {", ".join(RENDERERS)})')
    renderer = cast(Renderer, resolve_name(RENDERERS[name]))
    with resting():
        return renderer(harmless(report), width=width)


def render_files(name: str, report: Report, path: Path) -> Mapping[Path, str]:
    """What to write where: *path*, or one file beside it for each environment, named after it."""
    if name not in PER_ENVIRONMENT:
        return {path: render(name, report)}
    return {
        path.with_name(f"{path.stem}-{one.name}{path.suffix}"): render(name, of_one(report, one))
        for one in report.grid.environments
    }


def of_one(report: Report, environment: Environment) -> Report:
    """*report* with a single column."""
    grid = replace(report.grid, environments=(environment,))
    return replace(report, grid=grid)
