"""A report as a page, as text, for CI and for programs.

A renderer shows the decision it is given: it decides nothing, prints nothing and exits nothing.
One more format is one file and one row of ``RENDERERS``.
"""

from pkgutil import resolve_name
from typing import Protocol, cast

from matrix.core.errors import UsageError
from matrix.core.grid import Report
from matrix.report.harmless import harmless

#: Name of a format → where its renderer is; loaded when it is asked for.
RENDERERS = {
    "html": "matrix.report.page:render",
    "text": "matrix.report.plain:render",
    "junit": "matrix.report.junit:render",
    "json": "matrix.report.data:render",
    "markdown": "matrix.report.markdown:render",
}

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
    return renderer(harmless(report), width=width)
