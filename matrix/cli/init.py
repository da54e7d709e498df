"""``matrix init``: a new project."""

import lzma
import platform
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from matrix.core.errors import UsageError

#: What the kernel calls a machine → what images call it.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "AMD64": "amd64"}
#: Files whose name in the package differs from the one in the project.
RENAMED = {"gitignore": ".gitignore"}


@click.command("init")
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> None:
    """Write a project with a sample service into FOLDER (default: this one).

    Nothing that is there already is overwritten.
    """
    architecture = ARCHITECTURES.get(platform.machine())
    if architecture is None:
        raise UsageError(
            f"there is no sample service for this machine ({platform.machine()}): "
            "copy a project from elsewhere and adapt it"
        )
    template = files("matrix").joinpath("data/init")
    target = folder.resolve()
    _refuse_to_overwrite(template, target)
    _copy(template, target, name=re.sub(r"[^a-z0-9]+", "-", target.name.lower()).strip("-"))
    _add_busybox(target / "images/hello/busybox", architecture)
    click.echo(f"a project with one service and one environment is in {target}", err=True)
    click.echo("next: matrix doctor, then matrix run", err=True)


def _refuse_to_overwrite(template: Traversable, target: Path) -> None:
    there = [name for name in _names(template) if (target / name).exists()]
    if there:
        raise UsageError(
            f"{target} has {', '.join(sorted(there))} already; choose an empty folder: "
            "matrix init FOLDER"
        )


def _names(template: Traversable) -> list[str]:
    """Top-level names the template would write."""
    return [RENAMED.get(entry.name, entry.name) for entry in template.iterdir()]


def _copy(source: Traversable, target: Path, *, name: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.name == "__pycache__":
            continue
        path = target / RENAMED.get(entry.name, entry.name)
        if entry.is_dir():
            _copy(entry, path, name=name)
        else:
            text = entry.read_text(encoding="utf-8")
            path.write_text(text.replace("PROJECT", name or "project"), encoding="utf-8")


def _add_busybox(path: Path, architecture: str) -> None:
    packed = files("matrix").joinpath(f"data/golden/busybox-{architecture}.xz").read_bytes()
    path.write_bytes(lzma.decompress(packed))
    path.chmod(0o755)
