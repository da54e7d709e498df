"""``matrix config``: the project's files."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.cli.output import counted, json_option, print_json, project_options, talk
from matrix.core.errors import ConfigError
from matrix.core.gate import Exit
from matrix.loading.schema import FILES, schema
from matrix.site import open_project


@click.group("config")
def command() -> None:
    """Check the project's files, or print their JSON Schema."""


@command.command("check")
@project_options
@json_option
def check(start: Path, inventories: Sequence[Path], as_json: bool) -> int:
    """Read every file of the project and report all faults at once."""
    try:
        project = open_project(start, inventories)
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"faults": error.faults})
        return Exit.USAGE
    if as_json:
        print_json({"faults": []})
    services, environments = len(project.services), len(project.environments)
    talk(
        f"{project.name}: {counted(services, 'service')}, "
        f"{counted(environments, 'environment')}, no fault"
    )
    return Exit.OPEN


@command.command("schema")
@click.argument("which", type=click.Choice(list(FILES)))
def print_schema(which: str) -> None:
    """Print the JSON Schema of one kind of file, for editors."""
    print_json(schema(which))
