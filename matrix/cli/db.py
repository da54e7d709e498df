"""``matrix db``: the store itself."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from matrix.cli.output import counted, json_option, print_json, project_options
from matrix.core.errors import UsageError
from matrix.core.retention import DAY, Keep
from matrix.core.text import size_text
from matrix.site import open_project, opened_store, store_path

_UNITS = {"d": DAY, "w": 7 * DAY, "y": 365 * DAY}
#: Word before the = → field of Keep.
_KEPT = {
    "runs": "run_seconds",
    "failures": "failure_seconds",
    "releases": "release_seconds",
}


@click.group("db")
def command() -> None:
    """Say where the store is, and remove what is old."""


@command.command("path")
@project_options
def path(start: Path, inventories: Sequence[Path]) -> None:
    """Print where the project's store is."""
    click.echo(store_path(open_project(start, inventories)))


@command.command("prune")
@click.option(
    "--keep",
    "kept",
    multiple=True,
    metavar="WHAT=TIME",
    help="Keep runs, failures or releases for a number of d, w or y; may be repeated"
    " (default: runs=90d, failures=1y, releases=10y).",
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@project_options
@json_option
def prune(
    *,
    kept: tuple[str, ...],
    dry_run: bool,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
) -> None:
    """Remove measurements that are old, with their evidence.

    \b
    runs        what passed, of runs that were made for no release
    failures    what did not pass, of such runs
    releases    all of runs made by run --release

    \b
    Failures stay at least as long as runs, releases at least as long as failures.

    The newest measurement of a cell always stays, as does a run that goes on or left something on
    a host. The strip and the history of a cell show the last thirty, whatever was removed. The
    file does not shrink: its room is used again. It may be interrupted at any time.
    """
    keep = _keep(kept)
    now = datetime.now(UTC)
    with opened_store(open_project(start, inventories)) as store:
        gone = store.count_prunable(keep, now=now) if dry_run else store.prune(keep, now=now)
    if as_json:
        print_json({"dry_run": dry_run, **{name: getattr(gone, name) for name in _SHOWN}})
        return
    texts = f", {counted(gone.texts, 'long text')} of {size_text(gone.text_bytes)}"
    what = f"{counted(gone.cells, 'measurement')} and {counted(gone.runs, 'whole run')}"
    click.echo(f"would be removed: {what}" if dry_run else f"removed: {what}{texts}")


_SHOWN = ("cells", "runs", "texts", "text_bytes")


def _keep(kept: Sequence[str]) -> Keep:
    keep = Keep()
    for one in kept:
        found = re.fullmatch(r"(\w+)=([0-9]{1,5})([dwy])", one)
        if found is None or found[1] not in _KEPT:
            raise UsageError(
                f'--keep "{one}": write WHAT=TIME as runs=90d (what: {", ".join(_KEPT)}; time: a'
                f" number of {', '.join(_UNITS)})"
            )
        keep = replace(keep, **{_KEPT[found[1]]: int(found[2]) * _UNITS[found[3]]})
    if not keep.run_seconds <= keep.failure_seconds <= keep.release_seconds:
        raise UsageError(
            "releases are kept longest, then failures: give --keep times in that order"
        )
    return keep
