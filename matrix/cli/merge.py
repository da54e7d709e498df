"""``matrix merge``: the results of several shards as one grid."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.cli.output import json_option, print_report, project_options, site, talk
from matrix.core.gate import exit_code
from matrix.merging import merge
from matrix.report import RENDERERS
from matrix.report.writing import write_report


@click.command("merge")
@click.argument(
    "parts",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the joined report to this file, beside the grid on stdout.",
)
@click.option(
    "--format",
    "-f",
    "name",
    type=click.Choice(list(RENDERERS)),
    default="json",
    show_default=True,
    help="What to write there.",
)
@project_options
@json_option
def command(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    parts: Sequence[Path],
    output: Path | None,
    name: str,
) -> int:
    """Join PARTS, JSON reports or stores, to one grid and exit as `matrix gate` would over it.

    Of a cell that several know the newest measurement counts; the policy is that of the project
    here, and its store is left alone. A report proves nothing: take them from your own jobs only.
    """
    with site(start, inventories) as one:
        report = merge(one, parts)
    print_report("json" if as_json else "text", report)
    if output is not None:
        for path in write_report(report, name, output):
            talk(f"report: {path}")
    return exit_code(report.decision, leftovers=bool(report.leftovers), interrupted=None)
