"""``matrix diff``: what became of each cell between two runs, releases or report files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from matrix.baseline import sides_of
from matrix.cli.output import (
    counted,
    json_option,
    print_json,
    print_text,
    project_options,
)
from matrix.core.changes import ORDER, Side, compare
from matrix.core.gate import Exit, code_of_changes
from matrix.core.history import Change, Comparison
from matrix.core.model import CellId
from matrix.core.text import clean
from matrix.report.recorded import read_sides
from matrix.site import open_project, opened_store


@click.command("diff")
@click.argument("before")
@click.argument("now")
@click.option(
    "--exit-code",
    "with_code",
    is_flag=True,
    help="Exit with 1 for a regression or a new failure, else with 4 for an answer that is lost.",
)
@project_options
@json_option
def command(
    *,
    before: str,
    now: str,
    with_code: bool,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
) -> int:
    """Say what became of each cell from BEFORE to NOW.

    Each is the id of a run, the name of a release (run --release), or a report file, page or
    JSON. Two files are compared outside of a project, too. Exits with 0 unless --exit-code is
    given.
    """
    was, is_now = _both(before, now, start, inventories)
    found = compare(was, is_now, baseline=before)
    if as_json:
        print_json(_data(found, was, is_now, now=now))
    else:
        print_text("\n".join(_lines(found, was, is_now, now=now)))
    return code_of_changes(found.changes.values()) if with_code else Exit.OPEN


def _both(
    before: str, now: str, start: Path, inventories: Sequence[Path]
) -> tuple[Mapping[CellId, Side], Mapping[CellId, Side]]:
    files = Path(before), Path(now)
    if all(file.is_file() for file in files):
        return read_sides(files[0]), read_sides(files[1])
    with opened_store(open_project(start, inventories)) as store:
        return sides_of(store, before), sides_of(store, now)


def _data(
    found: Comparison, was: Mapping[CellId, Side], is_now: Mapping[CellId, Side], *, now: str
) -> Mapping[str, object]:
    kinds = list(found.changes.values())
    return {
        "before": found.baseline,
        "now": now,
        "counts": {kind.value: kinds.count(kind) for kind in ORDER},
        "changes": [
            {
                "cell": cell,
                "change": kind,
                "before": was[cell].verdict if cell in was else None,
                "now": is_now[cell].verdict if cell in is_now else None,
            }
            for cell, kind in found.changes.items()
        ],
    }


def _lines(
    found: Comparison, was: Mapping[CellId, Side], is_now: Mapping[CellId, Side], *, now: str
) -> list[str]:
    lines = []
    for kind in ORDER:
        cells = [cell for cell, change in found.changes.items() if change is kind]
        if cells:
            lines.append(f"{kind.value}: {counted(len(cells), 'cell')}")
            lines += [_line(cell, kind, was, is_now) for cell in cells]
    same = len(set(was) | set(is_now)) - len(found.changes)
    changed = counted(len(found.changes), "cell")
    ends = f"{clean(found.baseline)} to {clean(now)}"
    return [*lines, f"{ends}: {changed} to look at, {same} the same"]


def _line(
    cell: CellId, kind: Change, was: Mapping[CellId, Side], is_now: Mapping[CellId, Side]
) -> str:
    if kind in (Change.ENVIRONMENT_CHANGED, Change.PROBES_CHANGED, Change.STILL_FAILING):
        return f"  {_shown(is_now.get(cell))}  {clean(str(cell))}"
    return f"  {_shown(was.get(cell))} to {_shown(is_now.get(cell))}  {clean(str(cell))}"


def _shown(side: Side | None) -> str:
    return f"{side.verdict.glyph} {side.verdict.value}" if side else "nothing"
