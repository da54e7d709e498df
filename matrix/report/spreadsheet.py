"""The report as CSV (RFC 4180), one line per cell; lines end in a line feed.

A text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it text
there.
"""

import csv
import io
from collections.abc import Iterator

from matrix.core.grid import Report
from matrix.core.text import one_line
from matrix.report.summary import Place, deciding, places, tally

HEAD = (
    "service",
    "environment",
    "verdict",
    "reason",
    "message",
    "waived",
    "not_passed",
    "probes",
    "seconds",
    "run",
    "reused_from",
    "image_id",
    "fingerprint",
    "finished_at",
    "reported_by",
)
#: What begins a formula in Excel, LibreOffice and Google Sheets, full-width forms included.
FORMULAS = tuple("=+-@|%\t\r\n＝＋－＠")
MESSAGE_CHARACTERS = 500


def render(report: Report, *, width: int) -> str:
    """The table with its head; *width* is of no use to it."""
    del width
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(HEAD)
    for place in places(report):
        writer.writerow(map(_inert, _row(place)))
    return out.getvalue()


def _row(place: Place) -> Iterator[str]:
    cell, result, counted = place.cell, place.cell.result, tally(place.cell)
    yield from (place.service.name, place.environment.name, cell.verdict.value, cell.reason)
    yield one_line(cell.message, MESSAGE_CHARACTERS)
    yield "yes" if cell.waived else "no"
    yield from (str(counted.bad), str(counted.planned))
    yield f"{sum(attempt.seconds for attempt in deciding(result)):.3f}"
    yield from (cell.run, cell.reused_from)
    yield from (result.image_id, result.fingerprint) if result else ("", "")
    finished = result.finished_at if result else None
    yield finished.isoformat() if finished else ""
    yield cell.reporter.name if cell.reporter else ""


def _inert(text: str) -> str:
    """*text* as no spreadsheet calculates it; blanks in front do not hide a formula."""
    text = one_line(text, MESSAGE_CHARACTERS)
    return f"'{text}" if text.lstrip().startswith(FORMULAS) else text
