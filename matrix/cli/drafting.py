"""``matrix probe new`` and ``matrix probe import``: probe files to begin with."""

import importlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import click

from matrix.cli.output import json_option, print_json, project_options, talk
from matrix.core.errors import UsageError
from matrix.core.model import Service
from matrix.core.result import Side
from matrix.core.selection import known
from matrix.loading.drafts import Draft, Translation, identifier, probe_file
from matrix.loading.source import shown_path
from matrix.site import open_project

#: Tool → what translates a file of it; loaded when it is asked for, as nobody else needs YAML.
TRANSLATORS = {
    "goss": "matrix.loading.goss:translate_goss",
    "container-structure-test": "matrix.loading.structure:translate_structure",
}
#: Side → what a probe that says nothing yet is made of. It fails, so that nobody believes it.
BEGINNINGS = {
    Side.INSIDE: (
        'answer = host.run("true")',
        'assert answer.stdout == "what it says when it works", answer.stderr',
    ),
    Side.OUTSIDE: (
        "state = container.state",
        'assert not state.running, "say here what must be so, seen from the machine"',
    ),
}


@click.command("new")
@click.argument("name")
@click.option("--service", "-s", required=True, metavar="NAME", help="Service it is for.")
@click.option(
    "--side",
    required=True,
    type=click.Choice([side.value for side in Side]),
    help="Inside its container, or from the machine.",
)
@project_options
def new(start: Path, inventories: Sequence[Path], name: str, service: str, side: str) -> None:
    """Write a probe to begin with into the service's folder of probes.

    It fails until you have said what must be so. NAME is in words, such as "order is kept".
    """
    words = re.sub(r"[_\s]+", " ", name).strip()
    title = words[:1].upper() + words[1:]
    draft = Draft(name=words, title=title, side=Side(side), lines=BEGINNINGS[Side(side)])
    folder = _folder(start, inventories, service)
    path = _write(folder / f"test_{identifier(words)}.py", probe_file(f"{title}.", (draft,)))
    talk(f"wrote {shown_path(path)}: say in it what must be so, then")
    talk(f"  matrix run --service {service}")
    talk(f"and put it wrong in {shown_path(folder / 'sabotage.toml')}, to see it fail:")
    talk(f"  matrix probe vitality --service {service}")


@click.command("import")
@click.option(
    "--from", "tool", required=True, type=click.Choice(list(TRANSLATORS)), help="Whose file it is."
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--service",
    "-s",
    default="",
    metavar="NAME",
    help="Write into this service's folder of probes (default: print).",
)
@project_options
@json_option
def import_(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    tool: str,
    file: Path,
    service: str,
) -> None:
    """Make probes from another tool's file, YAML or JSON; what was not translated is said.

    Nothing in that file is run, and no file of yours is written over.
    """
    found = _translate(tool, file)
    text = probe_file(f"Made from {file.name}, a file of {tool}.", found.drafts, found.left_out)
    path = None
    if service and found.drafts:
        folder = _folder(start, inventories, service)
        path = _write(folder / f"test_{identifier(file.stem)}.py", text)
    if as_json:
        print_json({"file": path, "probes": found.drafts, "not_translated": found.left_out})
    elif path is None and found.drafts:
        click.echo(text, nl=False)
    for one in found.left_out:
        talk(f"not translated: {one.where}: {one.why}")
    where = f" in {shown_path(path)}" if path else ""
    talk(f"{len(found.drafts)} probes{where}, {len(found.left_out)} not translated")


def _translate(tool: str, file: Path) -> Translation:
    module, _, function = TRANSLATORS[tool].partition(":")
    found = getattr(importlib.import_module(module), function)(file)
    assert isinstance(found, Translation)  # noqa: S101 - a slip of ours, not of the user
    return found


def _folder(start: Path, inventories: Sequence[Path], name: str) -> Path:
    """The first folder of the service's own probes; raises UsageError."""
    services = {one.name: one for one in open_project(start, inventories).services}
    if name not in services:
        raise UsageError(f'no service is called "{name}"{known(name, tuple(services))}')
    return _own_folder(services[name])


def _own_folder(service: Service) -> Path:
    if not service.probes:
        raise UsageError(
            f'service "{service.name}" has no folder of its own probes: add `probes = ["…"]` to it'
        )
    return service.probes[0]


def _write(path: Path, text: str) -> Path:
    """A new file; raises UsageError for one that is there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError as error:
        raise UsageError(f"{shown_path(path)} is there already: choose another name") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path
