"""The report as one page: a single file that needs no network and no server.

Its content security policy lets nothing run but the one style and the one script in it, both named
by their hash (Content Security Policy Level 3, section 2.3.1), so markup that got through from a
host could neither run nor load anything.
"""

import base64
import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from matrix.core.grid import Report
from matrix.core.text import seconds_text
from matrix.core.verdict import Verdict
from matrix.report import layout, summary
from matrix.report.evidence import gather

_STYLES = ("base.css", "grid.css", "panel.css", "media.css")
_SCRIPTS = ("page.js",)
#: How many reasons of the gate are shown before the rest is folded away.
_FIRST_REASONS = 3


def render(report: Report, *, width: int) -> str:
    """The page. *width* is the reader's window and of no use here."""
    del width
    columns = layout.columns(report)
    style = f"{_assets(_STYLES)}:root {{ --columns: {len(columns)}; }}"
    script = _assets(_SCRIPTS)
    return (
        _templates()
        .get_template("page.html")
        .render(
            report=report,
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script),  # noqa: S704 - a file of ours
            policy=_policy(style=style, script=script),
            rows=layout.rows(report),
            columns=columns,
            counts=summary.counts(report),
            reasons=layout.reasons(report),
            not_green=layout.not_green(report),
            left_out=layout.left_out(report),
            evidence=gather(summary.places(report)),
        )
    )


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
        first_reasons=_FIRST_REASONS,
        meanings=summary.MEANINGS,
        passed=layout.passed,
        run_command=summary.run_command,
        sentence=summary.sentence,
        steps=layout.steps,
        why=summary.why,
    )
    environment.filters.update(
        moment=_moment, seconds=seconds_text, short_id=summary.short_id, value=_value
    )
    return environment


def _assets(names: tuple[str, ...]) -> str:
    folder = files("matrix.report") / "templates"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def _policy(*, style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%-d %B %Y, %H:%M} UTC"


def _value(fact: object) -> str:
    """A fact for people; None is one that was asked for and not to be had."""
    words = {None: "not to be had", True: "yes", False: "no"}
    return words[fact] if fact is None or isinstance(fact, bool) else str(fact)
