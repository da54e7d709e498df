"""The options that choose cells, shared by ``plan`` and ``run``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from matrix.core.model import Kind

# Any: click's decorators change the type of what they decorate.
Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option("--service", "-s", "services", multiple=True, help="Rows, as patterns."),
    click.option("--env", "-e", "environments", multiple=True, help="Columns, as patterns."),
    click.option("--cell", "cells", multiple=True, help='Cells, as patterns: "queue@*".'),
    click.option("--exclude", "-x", multiple=True, help="Cells to leave out, as patterns."),
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
