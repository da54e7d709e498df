"""What is shown while a run goes on: the grid filling in on a terminal, a line per cell elsewhere.

Everything here goes to stderr: stdout is for data.
"""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import wrap
from types import TracebackType

import click
from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from matrix.core.grid import GridCell
from matrix.core.model import CellId, Project
from matrix.core.plan import Plan
from matrix.core.ports import Event, Watcher
from matrix.core.result import CellResult
from matrix.core.text import clean, display_width, one_line, seconds_text, size_text
from matrix.core.verdict import Verdict
from matrix.report.plain import STYLES
from matrix.report.summary import short

#: Steps shown in a cell that is being measured.
STEPS = {"deliver": "image", "start": "starting", "probe": "probes", "retry": "again"}
#: Columns of the terminal for a service's name and for one environment; with less than the last
#: for each, environments are shown by name, not by title.
WIDEST_NAME, WIDEST_COLUMN, NARROWEST_COLUMN, TITLES_FROM = 24, 24, 8, 12
#: Bytes below which a delivery is not worth a number.
SHOWN_FROM_BYTES = 1024 * 1024
#: Columns of what is said about one probe while a run goes on; the report has all of it.
PROBE_LINE_WIDTH = 200
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
    """The grid on a terminal, filled in place.

    Every column is as wide as the next one and keeps its width, so that nothing moves but what
    happens; what does not fit is cut. The grid goes when the report is shown on the same terminal.
    """

    def __init__(self, plan: Plan, project: Project, console: Console) -> None:
        self._planned = {cell.cell for cell in plan.cells}
        rows = {cell.service for cell in self._planned}
        columns = {cell.environment for cell in self._planned}
        # In the order of the project: a plan is in the order of running.
        self._rows = {one.name: one.title for one in project.services if one.name in rows}
        self._columns = {one.name: one.title for one in project.environments if one.name in columns}
        self._cells: dict[CellId, Text | Spinner] = {}
        self._done: Counter[Verdict] = Counter()
        self._heads: dict[str, str] = {}
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._console = console
        self._live = Live(
            console=console,
            get_renderable=self._picture,
            refresh_per_second=8,
            transient=sys.stdout.isatty(),
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
        self._live.stop()

    def watch(self, event: Event) -> None:
        """Show what *event* says in its place in the grid."""
        with self._lock:
            if event.kind == "environment":
                self._heads[event.environment] = event.text
            if event.service:
                self._note(event)
        # Without our lock: printing draws the grid, which takes it.
        if event.kind in ("retry", "note"):
            where = f"{event.service}@{event.environment}".lstrip("@")
            self._console.print(Text(clean(f"{where}: {event.text}"), style="dim"))

    def _note(self, event: Event) -> None:
        cell = CellId(service=event.service, environment=event.environment)
        before = self._cells.get(cell)
        if event.result is not None:
            self._done[event.result.verdict] += 1
            self._cells[cell] = _finished(event.result)
        elif isinstance(before, Spinner):
            before.update(text=_step(event))
        else:
            self._cells[cell] = Spinner("dots", _step(event))

    def _picture(self) -> Group:
        with self._lock:
            return Group(self._table(), self._caption())

    def _table(self) -> Table:
        names = max(map(display_width, self._rows.values()), default=0)
        room = self._console.width - min(names, WIDEST_NAME)
        width = min(WIDEST_COLUMN, max(NARROWEST_COLUMN, room // max(1, len(self._columns)) - 2))
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("", max_width=WIDEST_NAME, no_wrap=True, overflow="ellipsis")
        for name, title in self._columns.items():
            head = self._head(name, title if width >= TITLES_FROM else name, width)
            table.add_column(
                head, width=width, vertical="bottom", no_wrap=True, overflow="ellipsis"
            )
        for service, title in self._rows.items():
            table.add_row(Text(title, style="bold"), *self._row(service))
        return table

    def _head(self, name: str, title: str, width: int) -> Text:
        """Title on as many lines as it takes, and below it what goes on there."""
        head = Text("\n".join(wrap(title, width)), style="bold")
        said = self._heads.get(name, "waiting")
        style = "magenta" if said.startswith("cannot") else "dim"
        return head.append(f"\n{one_line(said, width)}", style=style)

    def _row(self, service: str) -> Iterator[Text | Spinner]:
        for environment in self._columns:
            cell = CellId(service=service, environment=environment)
            blank = Text("?" if cell in self._planned else " ", style="dim")
            yield self._cells.get(cell, blank)

    def _caption(self) -> Text:
        """How long it has taken, how much is done, and what it came to."""
        took = seconds_text(time.monotonic() - self._began)
        done = sum(self._done.values())
        caption = Text(f"{took} · {done} of {len(self._planned)} cells", style="dim")
        for verdict, number in self._done.items():
            caption.append(f"  {verdict.glyph} {number}", style=STYLES[verdict])
        return caption


def _finished(result: CellResult) -> Text:
    cell = GridCell(cell=result.cell, verdict=result.verdict, reason=result.reason, result=result)
    text = f"{result.verdict.glyph} {short(cell) or result.verdict.value.lower()}"
    return Text(text, style=STYLES[result.verdict], no_wrap=True, overflow="ellipsis")


def _step(event: Event) -> Text:
    step = STEPS.get(event.kind, event.kind)
    if event.kind == "deliver" and event.total:
        step += f" {100 * event.done // event.total} %"
    if event.kind == "probe" and event.total:
        step = f"{event.done}/{event.total}"
    return Text(step, style="cyan", no_wrap=True, overflow="ellipsis")


def cell_line(result: CellResult) -> str:
    """One finished cell in one line."""
    seconds = sum(attempt.seconds for attempt in result.attempts)
    line = f"{result.verdict.glyph} {result.cell}: {result.verdict.value}"
    if result.reason:
        line += f" ({result.reason})"
    if result.reused_from:
        return f"{line}, taken over from run {result.reused_from}"
    line += f" in {seconds_text(seconds)}"
    return f"{line}: {result.message}" if result.message else line


@contextmanager
def shown(project: Project, plan: Plan) -> Iterator[Watcher]:
    """A watcher for the run of *plan*: the live grid on a terminal, lines elsewhere."""
    with _display(project, plan) as (watch, _):
        yield watch


@contextmanager
def shown_with_probes(project: Project, plan: Plan) -> Iterator[Watcher]:
    """As ``shown``, and a line for each probe as soon as it has its verdict."""
    with _display(project, plan) as (watch, say):

        def watch_probes(event: Event) -> None:
            watch(event)
            if event.kind == "probe" and event.verdict is not None:
                say(probe_line(event, event.verdict), STYLES[event.verdict])

        yield watch_probes


def probe_line(event: Event, verdict: Verdict) -> str:
    """One probe with its verdict in one line, indented: the verdict of its cell comes later."""
    where = f"{event.service}@{event.environment} {event.done}/{event.total}"
    return clean(f"  {where} {verdict.glyph} {one_line(event.text, PROBE_LINE_WIDTH)}")


@contextmanager
def _display(project: Project, plan: Plan) -> Iterator[tuple[Watcher, Callable[[str, str], None]]]:
    """What shows events, and what says a line in a style besides."""
    if not _is_terminal():
        yield Lines(plan).watch, lambda line, _: click.echo(line, err=True)
        return
    console = Console(stderr=True, no_color="NO_COLOR" in os.environ)
    with LiveGrid(plan, project, console) as grid:
        yield grid.watch, lambda line, style: console.print(Text(line, style=style))


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
