"""Data to stdout, talk to stderr."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import click
from tabulate import tabulate

from matrix.core.build import BuildEvent
from matrix.core.grid import Report
from matrix.core.model import CellId, Environment, Project
from matrix.core.selection import matching
from matrix.core.text import clean, one_line
from matrix.core.verdict import Verdict
from matrix.report import WIDTH, render
from matrix.site import Site, open_project, opened

# Any: click's decorators change the type of what they decorate.
Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print data as JSON on stdout.")


def project_options(command: Command) -> Command:
    """``--project`` and ``--inventory``, for every command that reads the project."""
    for option in (
        click.option(
            "--inventory",
            "-i",
            "inventories",
            multiple=True,
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="Inventory file to use instead of those of matrix.toml; may be repeated.",
        ),
        click.option(
            "--project",
            "-C",
            "start",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            default=Path(),
            help="Folder of the project (default: this one or the nearest above).",
        ),
    ):
        command = option(command)
    return command


@contextmanager
def site(start: Path, inventories: Sequence[Path]) -> Iterator[Site]:
    """The opened project of a command."""
    with opened(open_project(start, inventories)) as one:
        yield one


def environments_of(project: Project, patterns: Sequence[str]) -> tuple[Environment, ...]:
    """The environments that match; raises UsageError for a pattern that matches none."""
    names = matching(patterns, [one.name for one in project.environments], what="environment")
    return tuple(one for one in project.environments if one.name in names)


def counted(number: int, noun: str) -> str:
    """``1 cell``, ``3 cells``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def file_or_stdout(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """The callback of an ``--output`` that is stdout when it is left away, or "-" as elsewhere."""
    return None if path == Path("-") else path


def talk(text: str) -> None:
    """Say something to people."""
    click.echo(clean(text), err=True)


def say_build(event: BuildEvent) -> None:
    """Say one step of a build."""
    step = f" [{event.step}/{event.steps}]" if event.steps else ""
    talk(f"{event.image}{step}: {one_line(event.text, 120)}")


def print_report(name: str, report: Report) -> None:
    """*report* in the format *name* on stdout; its text is in colour on a terminal."""
    document = (
        render(name, report, width=terminal_width()) if name == "text" else render(name, report)
    )
    if name == "text":
        print_text(document)
    else:
        click.echo(document, nl=not document.endswith("\n"))


def print_text(text: str) -> None:
    """Lines on stdout, verdicts in colour where that is a terminal which wants it."""
    painted = "".join(_painted(line) for line in text.splitlines(keepends=True))
    click.echo(painted, nl=not text.endswith("\n"), color=_colour_wanted())


def terminal_width() -> int:
    """Columns of the terminal, or what suits a file."""
    return shutil.get_terminal_size((WIDTH, 0)).columns if sys.stdout.isatty() else WIDTH


def _painted(line: str) -> str:
    """Glyphs in the colours of their verdicts, with the words that belong to them."""
    return GLYPHS.sub(lambda found: click.style(found[0], **COLOURS[found[1] or found[2]]), line)


def _colour_wanted() -> bool | None:
    """No where the user says so; None lets the terminal decide."""
    return False if os.environ.get("NO_COLOR") else None


def print_table(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> None:
    """A table on stdout."""
    texts = [[clean(str(cell)) for cell in row] for row in rows]
    click.echo(tabulate(texts, headers=headers, disable_numparse=True))


def print_json(value: object) -> None:
    """A value as JSON on stdout."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))


def plain(value: object) -> Any:  # noqa: ANN401 - JSON is any of its types
    """A value of ours as JSON has it: dataclasses as objects, enums as their words."""
    for kinds, turn in PLAIN:
        if isinstance(value, kinds):
            return turn(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return value


#: How a verdict looks on a terminal, by its glyph, and the gate by its word.
COLOURS: Mapping[str, Mapping[str, Any]] = {
    Verdict.PASSED.glyph: {"fg": "green"},
    Verdict.WARNED.glyph: {"fg": "yellow"},
    Verdict.FAILED.glyph: {"fg": "red", "bold": True},
    Verdict.ERROR.glyph: {"fg": "magenta", "bold": True},
    Verdict.STALE.glyph: {"fg": "cyan", "dim": True},
    "OPEN": {"fg": "green", "bold": True},
    "CLOSED": {"fg": "red", "bold": True},
    "INCOMPLETE": {"fg": "magenta", "bold": True},
}
#: A glyph where a cell or an entry begins, with its words; or what the gate says.
GLYPHS = re.compile(r"(?:(?<=^)|(?<=  ))([✓⚠✗!◷])(?: \S+)*|(?<=^GATE )(OPEN|CLOSED|INCOMPLETE)")

#: Types that JSON does not have, or that must be made harmless, and what becomes of them.
PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Enum, lambda value: value.value),
    (date, lambda value: value.isoformat()),
    (Path | CellId, str),
    (bytes, lambda value: clean(value.decode("utf-8", "backslashreplace"))),
    (str, clean),
    (Mapping, lambda value: {str(key): plain(one) for key, one in value.items()}),
    (list | tuple | set | frozenset, lambda value: [plain(one) for one in value]),
)
