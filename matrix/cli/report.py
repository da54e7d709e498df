"""``matrix report``: the grid in a format of your choice."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.app import read_report, write_report
from matrix.cli.output import project_options, site, talk
from matrix.report import RENDERERS, render


@click.command("report")
@click.argument("run", default="")
@click.option(
    "--format", "-f", "name", type=click.Choice(list(RENDERERS)), default="text", show_default=True
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file instead of stdout.",
)
@project_options
def command(
    start: Path, inventories: Sequence[Path], run: str, name: str, output: Path | None
) -> None:
    """Write the newest grid, under the heading of RUN (default: the newest run)."""
    with site(start, inventories) as one:
        report = read_report(one, run=run)
    if output is None:
        click.echo(render(name, report))
        return
    write_report(report, name, output)
    talk(f"report: {output}")
