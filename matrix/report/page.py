"""The report as one page: a single file that needs no network and no server.

Its content security policy lets nothing run but the one style and the one script in it, both named
by their hash (Content Security Policy Level 3, section 2.3.1), so markup that got through from a
host could neither run nor load anything.
"""

import base64
import hashlib
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from matrix.core.grid import Report
from matrix.core.text import seconds_text
from matrix.core.verdict import Verdict
from matrix.report import embedded, layout, marks, summary

_STYLES = ("base", "controls", "grid", "panel", "evidence", "media")
#: In this order: each adds one thing that later ones may use.
_SCRIPTS = (
    *("start", "query", "changes", "words", "model", "state", "view", "arrange"),
    *("groups", "keys"),
    *("history", "facts", "evidence", "panel", "base", "compare", "formats", "exports", "controls"),
    *("help", "main"),
)
#: How many reasons of the gate are shown before the rest is folded away, and at most.
_FIRST_REASONS = 3
_MOST_REASONS = 100
#: Cells from which on all are drawn alike, since their number is what takes the time.
_BIG = 1500
#: Cells that a browser lays out as one table in good time; with more the page opens on groups.
MOST_CELLS = 10_000
#: Entries of a list below the grid; the grid itself has all of them.
_MOST_LISTED = 200


def render(report: Report, *, width: int) -> str:
    """The page. *width* is the reader's window and of no use here."""
    del width
    style = (
        f"{_assets('style', _STYLES, 'css')}:root {{ --columns: {len(report.grid.environments)}; }}"
    )
    script = _assets("script", _SCRIPTS, "js")
    return (
        _templates()
        .get_template("page.html")
        .render(
            report=report,
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
            policy=_policy(style=style, script=script),
            grid=Markup(embedded.grid_json(report)),  # noqa: S704 - has no "<"
            evidence=Markup(embedded.evidence_json(report)),  # noqa: S704 - has no "<"
            **_head(report),
            **_body(report),
        )
    )


def _head(report: Report) -> dict[str, object]:
    """What stands above the grid."""
    return {
        "counts": summary.counts(report),
        "tallies": marks.tallies(report),
        "reasons": layout.reasons(report),
        "notes": layout.notes(report),
        "oldest": marks.oldest(report),
        "images": layout.images(report),
    }


def _body(report: Report) -> dict[str, object]:
    """The grid and the lists below it."""
    lists = {
        "not_green": layout.not_green(report),
        "never": layout.never(report),
        "left_out": layout.left_out(report),
    }
    listed = {place.cell.cell for some in lists.values() for place in some[:_MOST_LISTED]}
    return {
        "rows": layout.rows(report, listed=listed),
        "columns": layout.columns(report),
        "known_cells": {str(place.cell.cell) for place in summary.places(report)},
        "changes": marks.changes(report),
        "clusters_shared": [one for one in report.clusters if len(one.cells) > 1],
        "clusters_single": [one for one in report.clusters if len(one.cells) == 1],
        "redacted": summary.redacted(report),
        **lists,
    }


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("matrix.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        Verdict=Verdict,
        anchor=layout.anchor,
        big=_BIG,
        deciding=summary.deciding,
        first_reasons=_FIRST_REASONS,
        most_listed=_MOST_LISTED,
        most_reasons=_MOST_REASONS,
        meanings=summary.MEANINGS,
        most_cells=MOST_CELLS,
        run_command=summary.run_command,
        why=summary.why,
    )
    environment.filters.update(
        day=_day, moment=_moment, seconds=seconds_text, short_id=summary.short_id
    )
    return environment


def _assets(kind: str, names: tuple[str, ...], suffix: str) -> str:
    folder = files("matrix.report") / "templates" / kind
    return "\n".join((folder / f"{name}.{suffix}").read_text(encoding="utf-8") for name in names)


def _policy(*, style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M} UTC"


def _day(day: date) -> str:
    return f"{day:%-d %B %Y}"
