"""The decision in a word: badges, a commit status, variables for later jobs.

Nothing foreign is in any of them. Only an open gate is green, and only a closed one red: what is
not known is grey.
"""

import json
import re

from matrix.core.grid import Door, Report
from matrix.report import summary

LABEL = "compatibility"
_COLOURS = {Door.OPEN: "#2f7d32", Door.CLOSED: "#b3261e", Door.INCOMPLETE: "#6b6b6b"}
_NAMED = {Door.OPEN: "brightgreen", Door.CLOSED: "red", Door.INCOMPLETE: "lightgrey"}
_STATES = {Door.OPEN: "success", Door.CLOSED: "failure", Door.INCOMPLETE: "error"}
#: GitHub takes no more for the description of a commit status.
STATUS_CHARACTERS = 140
#: Width of one letter of 11 px Verdana, on average and rounded up, and what is around a text.
_LETTER, _AROUND = 7, 12

_RUN = re.compile("[0-9a-z]{1,40}")
_BADGE = """<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" \
aria-label="{label}: {message}">
<title>{label}: {message}</title>
<rect width="{left}" height="20" fill="#444"/>
<rect x="{left}" width="{right}" height="20" fill="{colour}"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{label_at}" y="14">{label}</text>
<text x="{message_at}" y="14">{message}</text>
</g>
</svg>
"""


def render_badge(report: Report, *, width: int) -> str:
    """A picture in SVG; *width* is of no use to it."""
    del width
    message = _message(report)
    left, right = (_LETTER * len(text) + _AROUND for text in (LABEL, message))
    return _BADGE.format(
        label=LABEL,
        message=message,
        colour=_COLOURS[report.decision.door],
        left=left,
        right=right,
        whole=left + right,
        label_at=left / 2,
        message_at=left + right / 2,
    )


def render_shields(report: Report, *, width: int) -> str:
    """What an endpoint badge of shields.io is made from; *width* is of no use to it."""
    del width
    badge = {
        "schemaVersion": 1,
        "label": LABEL,
        "message": _message(report),
        "color": _NAMED[report.decision.door],
    }
    return json.dumps(badge) + "\n"


def render_status(report: Report, *, width: int) -> str:
    """The body of a commit status, as GitHub's API takes it; *width* is of no use to it."""
    del width
    status = {
        "state": _STATES[report.decision.door],
        "context": "compat-matrix",
        "description": summary.gate_line(report.decision)[:STATUS_CHARACTERS],
    }
    return json.dumps(status) + "\n"


def render_dotenv(report: Report, *, width: int) -> str:
    """Variables for later jobs, as GitLab reads them: ASCII, no quotes, no empty line.

    GitLab takes 20 of them and 5 KiB. *width* is of no use to it.
    """
    del width
    decision, counts = report.decision, summary.counts(report)
    variables = {
        "GATE": decision.door.value,
        "EXIT_CODE": decision.exit_code,
        "RUN": report.run if _RUN.fullmatch(report.run) else "none",
        "REQUIRED": decision.required,
        "KNOWN": decision.known,
        "CELLS": sum(counts.values()),
        **{verdict.value: count for verdict, count in counts.items()},
    }
    return "".join(f"MATRIX_{name}={value}\n" for name, value in variables.items())


def _message(report: Report) -> str:
    decision = report.decision
    return f"{decision.door.value.lower()} {decision.known}/{decision.required}"
