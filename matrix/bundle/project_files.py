"""The project inside a kit: the sender's catalogue and probes, cut down to some services."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit

from matrix.core.errors import UsageError
from matrix.core.model import Project, Service

ROOT = "project"
INVENTORY = "inventory.toml"
#: What probes in a folder called PARENT share.
PARENT, CONFTEST = "probes", "conftest.py"
#: Never taken along, wherever it is.
LEFT_OUT = ("__pycache__",)


def project_files(
    project: Project, services: Sequence[Service], *, catalogue: Path, image_ids: Mapping[str, str]
) -> dict[str, bytes]:
    """File in the kit → content: ``matrix.toml``, the catalogue, and every probe.

    *catalogue* is the sender's own file: tables of the services are taken from it as they are,
    those of the images become references by id. Inventories are never taken along.
    """
    raw = tomllib.loads(catalogue.read_text(encoding="utf-8"))
    tables = {service.name: _table(raw["services"][service.name], service) for service in services}
    images = {name: {"reference": f"kit/{name}@{image}"} for name, image in image_ids.items()}
    files = {
        "matrix.toml": _main(project),
        # The one environment is the machine it is run on, which only shows there.
        INVENTORY: "",
        "images/catalogue.toml": tomlkit.dumps({"images": images, "services": tables}),
    }
    found = {f"{ROOT}/{name}": text.encode("utf-8") for name, text in files.items()}
    for service in services:
        for position, folder in enumerate(service.probes):
            found.update(_folder(folder, f"{ROOT}/probes/{_probes_name(service, position)}"))
    outside = project.outside_probes
    found.update(_folder(outside, f"{ROOT}/probes/{outside.name}"))
    folders = [folder for service in services for folder in service.probes]
    found.update(_conftest([*folders, outside]))
    return found


def _conftest(folders: Sequence[Path]) -> dict[str, bytes]:
    """The file above folders of probes that belongs to them all, see ``probing.sources``."""
    files = {folder.parent / CONFTEST for folder in folders if folder.parent.name == PARENT}
    contents = {file.read_bytes() for file in files if file.is_file()}
    if len(contents) > 1:
        names = ", ".join(sorted(map(str, files)))
        raise UsageError(f"a kit has one {CONFTEST} above all probes, these differ: {names}")
    return {f"{ROOT}/{PARENT}/{CONFTEST}": content for content in contents}


def _main(project: Project) -> str:
    main = {
        "name": project.name,
        "catalogue": "images/catalogue.toml",
        "inventories": [INVENTORY],
        "outside_probes": f"probes/{project.outside_probes.name}",
        "reports": "reports",
        "state": "state",
    }
    return tomlkit.dumps(main)


def _table(raw: Mapping[str, Any], service: Service) -> dict[str, Any]:  # Any: TOML values
    probes = [
        f"../probes/{_probes_name(service, position)}" for position in range(len(service.probes))
    ]
    return {**raw, "probes": probes}


def _probes_name(service: Service, position: int) -> str:
    """The folder's own name is part of the probes' ids, so it stays."""
    return service.probes[position].name


def _folder(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and not set(inside.parts) & {*LEFT_OUT}:
            yield f"{prefix}/{inside.as_posix()}", path.read_bytes()
