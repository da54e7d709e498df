"""What GitHub shows of a run: the job summary, and annotations.

A step may have a summary of 1 MiB and ten annotations of a kind; more are dropped without a word.
There is one annotation for the gate and one for each failure cluster, never one for each cell.
"""

from collections.abc import Iterator

from matrix.core.grid import Door, Report
from matrix.core.history import Cluster
from matrix.core.text import one_line
from matrix.core.verdict import Verdict
from matrix.report import markdown, summary

#: A little below the platform's limit, for what other steps of the job may add.
SUMMARY_BYTES = 1_000_000
MOST_ANNOTATIONS = 10
MESSAGE_CHARACTERS = 400
NAMED_CELLS = 5

_LEVEL_OF_DOOR = {Door.OPEN: "notice", Door.CLOSED: "error", Door.INCOMPLETE: "warning"}


def render_summary(report: Report, *, width: int) -> str:
    """The job summary in Markdown; *width* is of no use to it."""
    del width
    return markdown.page(report, room_bytes=SUMMARY_BYTES)


def render_annotations(report: Report, *, width: int) -> str:
    """Workflow commands, one a line; *width* is of no use to them."""
    del width
    return "".join(f"{line}\n" for line in _annotations(report))


def _annotations(report: Report) -> Iterator[str]:
    decision = report.decision
    first = decision.reasons[0] if decision.reasons else ""
    said = f"{summary.gate_line(decision)}. {first}".rstrip(". ")
    yield _command(_LEVEL_OF_DOOR[decision.door], f"gate {decision.door.value}", said)
    room = MOST_ANNOTATIONS - 1
    clusters = report.clusters
    shown = clusters if len(clusters) <= room else clusters[: room - 1]
    for cluster in shown:
        yield _command(_level(report, cluster), _title(cluster), cluster.message)
    if len(shown) < len(clusters):
        more = f"{len(clusters) - len(shown)} more groups of failures are in the report"
        yield _command("notice", "more", more)


def _level(report: Report, cluster: Cluster) -> str:
    """An error where a service does not work, a warning where we cannot tell."""
    cells = [report.grid.cells[at] for at in cluster.cells if at in report.grid.cells]
    failed = [cell for cell in cells if cell.verdict is Verdict.FAILED]
    if any(not cell.waived for cell in failed):
        return "error"
    return "notice" if failed else "warning"


def _title(cluster: Cluster) -> str:
    names = [str(cell) for cell in cluster.cells[:NAMED_CELLS]]
    rest = len(cluster.cells) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")


def _command(level: str, title: str, message: str) -> str:
    """A workflow command: nothing in it can end it or begin another one."""
    data = _escaped(one_line(message, MESSAGE_CHARACTERS))
    named = _escaped(one_line(title, MESSAGE_CHARACTERS)).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={named}::{data}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
