"""``matrix requirements``: what a server must have."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.cli.output import json_option, print_text, project_options, site
from matrix.core.errors import UsageError
from matrix.core.selection import matching
from matrix.report.needs import FORMS, render_needs
from matrix.requiring import needs


@click.command("requirements")
@click.option("--service", "-s", "services", metavar="PATTERN", multiple=True, help="Services.")
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(list(FORMS)),
    default="text",
    show_default=True,
    help="How it is written.",
)
@project_options
@json_option
def command(
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    services: Sequence[str],
    form: str,
) -> None:
    """Print what a server must have for the services, why, and what checks it.

    It is made from the catalogue and the probes, for whoever runs the server: memory, disk,
    processor, engine, ports, settings. Starts nothing. --json is short for --format json.
    """
    with site(start, inventories) as one:
        known = [service.name for service in one.project.services]
        names = matching(services, known, what="service")
        chosen = [service for service in one.project.services if service.name in names]
        if not chosen:
            raise UsageError("the project has no service")
        found = needs(one, chosen)
    print_text(render_needs("json" if as_json else form, found, services=names))
