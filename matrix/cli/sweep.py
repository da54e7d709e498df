"""``matrix sweep``: find and remove what a dead run has left."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.app import sweep_hosts
from matrix.cli.output import json_option, print_json, print_table, project_options, site, talk
from matrix.core.gate import Exit
from matrix.execution.sweep import Sweep, Swept


@click.command("sweep")
@click.option("--keep-images", is_flag=True, help="Leave the images we delivered as a cache.")
@click.option("--dry-run", is_flag=True, help="List what is left and remove nothing.")
@click.option("--run", "runs", metavar="RUN", multiple=True, help="Only what this run made.")
@project_options
@json_option
def command(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    keep_images: bool,
    dry_run: bool,
    runs: Sequence[str],
) -> int:
    """Look on every host for what dead runs of this project left, and remove it.

    Only objects that are in the project's journal and carry its label are touched. Exits with 0
    when nothing is left, 5 when something is, 3 when a host could not be looked at.
    """
    with site(start, inventories) as one:
        wish = Sweep(remove=not dry_run, keep_images=keep_images)
        swept = sweep_hosts(one, wish, runs=tuple(runs))
    if as_json:
        print_json(swept)
    else:
        _print(swept)
    if swept.remaining:
        return Exit.LEFTOVERS
    return Exit.ERROR if swept.unreachable else Exit.OPEN


def _print(swept: Swept) -> None:
    rows = [
        (what, one.host, one.kind, one.name or one.id, one.remedy)
        for what, found in (
            ("removed", swept.removed),
            ("kept", swept.kept),
            ("LEFT", swept.remaining),
        )
        for one in found
    ]
    if rows:
        print_table(rows, ("", "host", "kind", "name", "remedy"))
    for why in swept.refusals.values():
        talk(why)
    for host, why in swept.unreachable.items():
        talk(f"{host} could not be looked at: {why}")
    if not swept.remaining and not swept.unreachable:
        talk("nothing of ours is left on any host")
