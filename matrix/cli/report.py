"""``matrix report``: the grid in a format of your choice."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.answer import read_report
from matrix.cli.output import json_option, print_report, project_options, site, talk
from matrix.core.errors import UsageError
from matrix.report import RENDERERS
from matrix.report.writing import append_report, write_report


@click.command("report")
@click.argument("run", default="")
@click.option(
    "--format",
    "-f",
    "name",
    type=click.Choice(list(RENDERERS)),
    default="text",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file instead of stdout.",
)
@click.option(
    "--compare",
    "compare_with",
    default="",
    metavar="RUN|RELEASE|FILE",
    help="Mark what has changed since a run, a release or another report file.",
)
@click.option(
    "--append", is_flag=True, help="Add to the file of --output, as for $GITHUB_STEP_SUMMARY."
)
@project_options
@json_option
def command(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    run: str,
    name: str,
    output: Path | None,
    append: bool,
    compare_with: str,
) -> None:
    """Write the newest grid, under the heading of RUN (default: the newest run).

    With --output, ctrf is written as one file for each environment, named after it.
    --json is short for --format json.
    """
    if append and output is None:
        raise UsageError("--append adds to a file: give it with --output")
    with site(start, inventories) as one:
        report = read_report(one, run=run, compare_with=compare_with)
    name = "json" if as_json else name
    if output is None:
        print_report(name, report)
        return
    write = append_report if append else write_report
    for path in write(report, name, output):
        talk(f"report: {path}")
