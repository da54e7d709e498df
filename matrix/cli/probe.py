"""``matrix probe``: what is asked of each service."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.app import probes_of
from matrix.cli.drafting import import_, new
from matrix.cli.output import json_option, print_json, print_table, project_options, site
from matrix.cli.repeating import command as run
from matrix.cli.vitality import command as vitality
from matrix.core.selection import matching


@click.group("probe")
def command() -> None:
    """List, write and import probes, and see whether they can fail."""


for one in (run, vitality, new, import_):
    command.add_command(one)


@command.command("list")
@click.option("--service", "-s", "services", metavar="PATTERN", multiple=True, help="Services.")
@project_options
@json_option
def list_probes(
    start: Path, inventories: Sequence[Path], as_json: bool, services: Sequence[str]
) -> None:
    """List the probes of each service: its own and those for every service."""
    with site(start, inventories) as one:
        known = [service.name for service in one.project.services]
        names = matching(services, known, what="service")
        probes = {name: probes_of(one, name) for name in names}
    if as_json:
        print_json(probes)
        return
    rows = [
        (name, probe.side.value, probe.id, probe.title, "warns" if probe.warn else "")
        for name, mine in probes.items()
        for probe in mine
    ]
    print_table(rows, ("service", "side", "probe", "title", ""))
