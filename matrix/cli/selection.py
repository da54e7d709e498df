"""The options that choose cells, shared by ``plan`` and ``run``."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from matrix.core.model import Kind

# Any: click's decorators change the type of what they decorate.
Command = TypeVar("Command", bound=Callable[..., Any])

#: More parts than that help nobody.
MOST_SHARDS = 1000


def read_shard(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """Number and count of ``2/5``; fails with what is allowed."""
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", value, re.ASCII)
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= count <= MOST_SHARDS:
        raise click.BadParameter(
            f"{value!r} is not a part of parts, such as 2/5", context, parameter
        )
    return number, count


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
        "--shard",
        callback=read_shard,
        metavar="N/COUNT",
        help="Only one part of so many, such as 2/5; join the results with `matrix merge`.",
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
