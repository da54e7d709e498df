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
from matrix.core.model import Project, Service
from matrix.core.selection import matching
from matrix.core.text import size_text
from matrix.wiring import build_missing, ensure_bases, images_of, status_of_images


@click.group("image")
def command() -> None:
    """Build and list the images of the catalogue."""


@command.command("build")
@click.argument("names", nargs=-1)
@click.option(
    "--service",
    "-s",
    "services",
    metavar="PATTERN",
    multiple=True,
    help="Only what these services are run from, companions and all.",
)
@click.option(
    "--base", "bases", metavar="NAME", multiple=True, help="A base to make besides; repeatable."
)
@project_options
def build(
    start: Path,
    inventories: Sequence[Path],
    names: Sequence[str],
    services: Sequence[str],
    bases: Sequence[str],
) -> None:
    """Build the images that are missing or stale, and the bases they stand on."""
    with site(start, inventories) as one:
        used = images_of(chosen_services(one.project, services))
        known = used if services else [image.name for image in one.project.images]
        chosen = matching(names, known, what="image")
        found = build_missing(one.project, chosen, observe=say_build)
        ensure_bases(one.project, bases, observe=say_build)
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


def chosen_services(project: Project, patterns: Sequence[str]) -> tuple[Service, ...]:
    """The services that *patterns* mean, all for none; raises UsageError for one of nobody."""
    named = matching(patterns, [one.name for one in project.services], what="service")
    return tuple(one for one in project.services if one.name in named)
