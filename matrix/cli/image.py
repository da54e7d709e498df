"""``matrix image``: the catalogue's images."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.cli.output import (
    counted,
    json_option,
    print_json,
    print_table,
    project_options,
    say_build,
    site,
    talk,
)
from matrix.core.build import ImageState
from matrix.core.gate import Exit
from matrix.core.selection import matching
from matrix.core.text import size_text
from matrix.wiring import build_missing, status_of_images


@click.group("image")
def command() -> None:
    """Build and list the images of the catalogue."""


@command.command("build")
@click.argument("names", nargs=-1)
@project_options
def build(start: Path, inventories: Sequence[Path], names: Sequence[str]) -> None:
    """Build the images that are missing or stale, and the bases they stand on."""
    with site(start, inventories) as one:
        known = [image.name for image in one.project.images]
        chosen = matching(names, known, what="image")
        found = build_missing(one.project, chosen, observe=say_build)
    ready = counted(len(found), "image")
    talk(f"{ready} {'is' if len(found) == 1 else 'are'} up to date")


@command.command("list")
@project_options
@json_option
def list_images(start: Path, inventories: Sequence[Path], as_json: bool) -> int:
    """List the images and say which are stale. Exits with 4 when one is missing or stale."""
    with site(start, inventories) as one:
        found = status_of_images(one.project)
    if as_json:
        print_json(found)
    else:
        rows = [
            (
                status.name,
                status.state.value,
                status.id.removeprefix("sha256:")[:12],
                size_text(status.size_bytes) if status.size_bytes else "",
            )
            for status in found
        ]
        print_table(rows, ("image", "state", "id", "size"))
    fresh = all(status.state is ImageState.CURRENT for status in found)
    return Exit.OPEN if fresh else Exit.INCOMPLETE
