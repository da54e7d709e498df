"""The options that choose cells, shared by ``plan`` and ``run``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from matrix.core.model import Kind

# Any: click's decorators change the type of what they decorate.
Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option("--service", "-s", "services", metavar="PATTERN", multiple=True, help="Rows."),
    click.option("--env", "-e", "environments", metavar="PATTERN", multiple=True, help="Columns."),
    click.option(
        "--cell", "cells", metavar="PATTERN", multiple=True, help='Cells, such as "queue@*".'
    ),
    click.option("--exclude", "-x", metavar="PATTERN", multiple=True, help="Cells to leave out."),
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        type=click.Choice([kind.value for kind in Kind]),
        help="Columns of this kind.",
    ),
    click.option(
        "--last-failed", is_flag=True, help="Only cells whose newest verdict is not green."
    ),
)


def selection_options(command: Command) -> Command:
    """Add them all."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
