"""``matrix image``: the catalogue's images."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.app import build_images, image_status
from matrix.cli.output import json_option, print_json, print_table, project_options, site, talk
from matrix.core.gate import Exit
from matrix.core.text import size_text


@click.group("image")
def command() -> None:
    """Build and list the images of the catalogue."""


@command.command("build")
@click.argument("names", nargs=-1)
@click.option("--force", is_flag=True, help="Build also what is not stale.")
@project_options
def build(start: Path, inventories: Sequence[Path], names: Sequence[str], force: bool) -> None:
    """Build the images that are missing or stale, and the bases they stand on."""
    with site(start, inventories) as one:
        built = build_images(one.project, names, force=force, say=talk)
    talk(f"{len(built)} built, everything is up to date" if built else "everything is up to date")


@command.command("list")
@project_options
@json_option
def list_images(start: Path, inventories: Sequence[Path], as_json: bool) -> int:
    """List the images and say which are stale. Exits with 4 when one is missing or stale."""
    with site(start, inventories) as one:
        found = image_status(one.project)
    if as_json:
        print_json(found)
    else:
        rows = [
            (
                status.name,
                status.state.value,
                status.image_id.removeprefix("sha256:")[:12],
                size_text(status.size_bytes) if status.size_bytes else "",
            )
            for status in found
        ]
        print_table(rows, ("image", "state", "id", "size"))
    fresh = all(status.state.value == "built" for status in found)
    return Exit.OPEN if fresh else Exit.INCOMPLETE
