"""``matrix lab``: throw-away hosts on this machine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from matrix.app import forget_hosts
from matrix.cli.image import chosen_services
from matrix.cli.output import json_option, print_json, print_table, say_build, talk
from matrix.core.gate import Exit
from matrix.core.model import Project
from matrix.lab.flow import LabState, down, required_bases, seed, status, up
from matrix.site import open_project, opened_store, store_path
from matrix.wiring import ensure_bases, images_of, known_images

# Any: click's decorators change the type of what they decorate.
Command = TypeVar("Command", bound=Callable[..., Any])


def lab_options(command: Command) -> Command:
    """``--project`` and ``--inventory``, for the verbs of the lab."""
    for option in (
        click.option(
            "--inventory",
            "-i",
            default="inventories/lab.toml",
            show_default=True,
            type=click.Path(path_type=Path, dir_okay=False),
            help="The inventory whose lab tables say what is started, seen from the project.",
        ),
        click.option(
            "--project",
            "-C",
            "start",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            default=Path(),
            help="Folder of the project (default: this one or the nearest above).",
        ),
    ):
        command = option(command)
    return command


@click.group("lab")
def command() -> None:
    """Start and stop throw-away hosts on this machine.

    Each is a container with its own sshd and its own engine; they need root.
    """


@command.command("up")
@click.argument("names", nargs=-1)
@click.option("--seed/--no-seed", default=True, help="Put the built images into seeded hosts.")
@click.option(
    "--service",
    "-s",
    "services",
    metavar="PATTERN",
    multiple=True,
    help="Seed only the images that these services are run from.",
)
@lab_options
def start_hosts(
    *, start: Path, inventory: Path, names: Sequence[str], seed: bool, services: Sequence[str]
) -> None:
    """Start the hosts of the environments NAMES (default: all), and wait until they answer."""
    project = open_project(start)
    path = project.root / inventory
    wanted = images_of(chosen_services(project, services))
    ensure_bases(project, required_bases(project.root, path, names=names), observe=say_build)
    up(project.root, path, names=names, report=talk)
    if seed:
        _seed(project, path, names, wanted)


@command.command("status")
@lab_options
@json_option
def show_hosts(start: Path, inventory: Path, as_json: bool) -> int:
    """List the hosts of the lab. Exits with 4 when one is not ready."""
    root = open_project(start).root
    hosts = status(root, root / inventory)
    if as_json:
        print_json(hosts)
    else:
        rows = [
            (
                one.environment,
                one.name,
                f"{one.user}@{one.address}:{one.port}",
                one.state.value,
                one.engine,
            )
            for one in hosts
        ]
        print_table(rows, ("environment", "host", "address", "state", "engine"))
    ready = all(one.state is LabState.READY for one in hosts)
    return Exit.OPEN if ready else Exit.INCOMPLETE


@command.command("down")
@click.argument("names", nargs=-1)
@lab_options
def stop_hosts(start: Path, inventory: Path, names: Sequence[str]) -> None:
    """Remove the hosts of the environments NAMES (default: all) with their volumes and keys."""
    project = open_project(start)
    gone = down(project.root, project.root / inventory, names=names, report=talk)
    if store_path(project).exists():
        with opened_store(project) as store:
            forget_hosts(store, gone)


def _seed(project: Project, inventory: Path, names: Sequence[str], wanted: Sequence[str]) -> None:
    """Put the *wanted* images that are built into hosts to be seeded, so a run need not send them.

    Hosts are seeded one after the other: it is this machine's disk that they wait for.
    """
    images = tuple(id_ for name, id_ in known_images(project).items() if name in wanted)
    if images:
        seed(project.root, inventory, names, images, talk)
