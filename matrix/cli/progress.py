"""What is shown while a run goes on: the grid filling in on a terminal, a line per cell elsewhere.

Everything here goes to stderr: stdout is for data.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import click
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from matrix.core.model import CellId
from matrix.core.plan import Plan
from matrix.core.ports import Event, Watcher
from matrix.core.result import CellResult
from matrix.core.text import clean, seconds_text, size_text
from matrix.core.verdict import Verdict

STYLES = {
    Verdict.PASSED: "green",
    Verdict.WARNED: "yellow",
    Verdict.FAILED: "bold white on red",
    Verdict.ERROR: "bold magenta",
    Verdict.MISSING: "dim",
    Verdict.UNSUPPORTED: "dim",
    Verdict.STALE: "dim yellow",
}
#: Steps shown in a cell that is being measured.
STEPS = {"deliver": "image", "start": "starting", "probe": "probes", "retry": "again"}
#: Bytes below which a delivery is not worth a number.
SHOWN_FROM_BYTES = 1024 * 1024
#: Seconds between two lines about one delivery.
SHOWN_EVERY_SECONDS = 5.0


class Lines:
    """One line per step that people wait for, and one per cell."""

    def __init__(self, plan: Plan) -> None:
        self._total = len(plan.cells)
        self._done = 0
        self._shown_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def watch(self, event: Event) -> None:
        """Print what *event* says, if it is worth a line."""
        with self._lock:
            line = self._line(event)
        if line:
            click.echo(clean(line), err=True)

    def _line(self, event: Event) -> str:
        if event.kind == "cell" and event.result is not None:
            self._done += 1
            return f"[{self._done}/{self._total}] {cell_line(event.result)}"
        where = f"{event.service}@{event.environment}" if event.service else event.environment
        if event.kind == "deliver":
            return self._delivery(event, where)
        if event.kind in ("environment", "retry", "note"):
            return f"{where}: {event.text}"
        return ""

    def _delivery(self, event: Event, where: str) -> str:
        """A line now and then for each delivery, none for what is there already."""
        now = time.monotonic()
        since = now - self._shown_at.get(where, -SHOWN_EVERY_SECONDS)
        if event.done < SHOWN_FROM_BYTES or since < SHOWN_EVERY_SECONDS:
            return ""
        self._shown_at[where] = now
        of = f" of {size_text(event.total)}" if event.total else ""
        return f"{where}: {event.text}: sent {size_text(event.done)}{of}"


class LiveGrid:
    """The grid on a terminal, filled in place."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._rows = {cell.service.name: cell.service.title for cell in plan.cells}
        self._columns = {cell.environment.name: cell.environment.title for cell in plan.cells}
        self._planned = {cell.cell for cell in plan.cells}
        self._cells: dict[CellId, Text | Spinner] = {}
        self._heads: dict[str, str] = {}
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._console = console
        self._live = Live(
            self._table(), console=console, refresh_per_second=8, transient=False, screen=False
        )

    def __enter__(self) -> "LiveGrid":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.update(self._table())
        self._live.stop()

    def watch(self, event: Event) -> None:
        """Show what *event* says in its place in the grid."""
        with self._lock:
            if event.kind == "environment":
                self._heads[event.environment] = clean(event.text)
            elif event.kind in ("retry", "note"):
                where = f"{event.service}@{event.environment}".lstrip("@")
                self._live.console.print(Text(clean(f"{where}: {event.text}"), style="dim"))
            if event.service:
                cell = CellId(service=event.service, environment=event.environment)
                self._cells[cell] = _shown(event)
            self._live.update(self._table())

    def _table(self) -> Table:
        took = seconds_text(time.monotonic() - self._began)
        table = Table(
            box=None, pad_edge=False, padding=(0, 2), caption=took, caption_justify="left"
        )
        table.add_column("")
        for name, title in self._columns.items():
            head = Text(title, style="bold")
            said = self._heads.get(name, "")
            if said and said != "ready":
                style = "magenta" if said.startswith("cannot") else "dim"
                head.append(f"\n{said[:40]}", style=style)
            table.add_column(head, vertical="bottom")
        for service, title in self._rows.items():
            table.add_row(Text(title, style="bold"), *self._row(service))
        return table

    def _row(self, service: str) -> Iterator[Text | Spinner]:
        for environment in self._columns:
            cell = CellId(service=service, environment=environment)
            blank = Text("?" if cell in self._planned else " ", style="dim")
            yield self._cells.get(cell, blank)


def _shown(event: Event) -> Text | Spinner:
    if event.kind == "cell" and event.result is not None:
        result = event.result
        verdict = result.verdict
        text = f"{verdict.glyph} {verdict.value.lower()}"
        if result.reason:
            text += f" · {result.reason}"
        return Text(text, style=STYLES[verdict])
    step = STEPS.get(event.kind, event.kind)
    if event.kind == "deliver" and event.total:
        step += f" {100 * event.done // event.total} %"
    if event.kind == "probe" and event.total:
        step += f" {event.done}/{event.total}"
    return Spinner("dots", Text(step, style="cyan"))


def cell_line(result: CellResult) -> str:
    """One finished cell in one line."""
    seconds = sum(attempt.seconds for attempt in result.attempts)
    line = f"{result.verdict.glyph} {result.cell}: {result.verdict.value}"
    if result.reason:
        line += f" ({result.reason})"
    line += f" in {seconds_text(seconds)}"
    return f"{line}: {result.message}" if result.message else line


@contextmanager
def shown(plan: Plan) -> Iterator[Watcher]:
    """A watcher for the run of *plan*: the live grid on a terminal, lines elsewhere."""
    if not _is_terminal():
        yield Lines(plan).watch
        return
    console = Console(stderr=True, no_color="NO_COLOR" in os.environ)
    with LiveGrid(plan, console) as grid:
        yield grid.watch


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
