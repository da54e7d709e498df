"""Making a kit: the images, the runner, the probes and what they are for, in one signed file."""

import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from matrix import __version__
from matrix.bundle.kit import Contents, digests, write_kit
from matrix.bundle.layers import unpack_image
from matrix.bundle.layout import write_layout
from matrix.bundle.manifest import FORMAT, Manifest
from matrix.bundle.project_files import project_files
from matrix.bundle.wheels import PYTHONS, Wheel, fetch_wheels, write_own_package
from matrix.core.build import BuildWatcher
from matrix.core.errors import UsageError
from matrix.core.model import Environment, Project, Service
from matrix.core.ports import Images
from matrix.probing.sources import digest as digest_probes
from matrix.wiring import ensure_images, probe_folders, source_engine

#: Seconds the engine may take to give one image.
SAVE_SECONDS = 1800.0
OWN_PACKAGE = "compat_matrix.zip"
#: Where in the project's state the parts of kits are kept: layers and wheels.
CACHE = "cache/kits"

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class KitWish:
    """What kit is wanted."""

    customer: Environment
    services: tuple[Service, ...]
    valid: timedelta
    out: Path
    observe: BuildWatcher
    say: Say


def build_kit(project: Project, wish: KitWish) -> Manifest:
    """Write the kit to ``wish.out``; returns what it says about itself.

    Raises BuildFailed, EngineUnavailable, DeliveryFailed and UsageError.
    """
    image_ids = ensure_images(project, wish.services, observe=wish.observe)
    cache = project.state / CACHE
    engine = source_engine()
    try:
        architecture = _architecture(engine, image_ids)
        wish.say("taking the images apart and compressing their layers")
        images = [
            unpack_image(engine.save_image(image, seconds=SAVE_SECONDS), cache=cache / "layers")
            for image in dict.fromkeys(image_ids.values())
        ]
    finally:
        engine.close()
    wish.say("fetching the wheels of the runner")
    wheels = fetch_wheels(architecture, cache=cache / "wheels")
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        archive = Path(folder) / "images.tar"
        with archive.open("wb") as file:
            write_layout(images, file)
        contents = Contents(
            images=archive,
            files={
                **_runner_files(wheels, Path(folder)),
                **_project_files(project, wish, image_ids),
            },
        )
        manifest = _manifest(project, wish, image_ids, architecture, digests(contents))
        wish.say(f"writing {wish.out}")
        write_kit(wish.out, contents, manifest)
    return manifest


def _architecture(engine: Images, image_ids: Mapping[str, str]) -> str:
    """The one architecture of all images."""
    found = {
        image.architecture
        for image_id in image_ids.values()
        if (image := engine.inspect_image(image_id)) is not None
    }
    if len(found) != 1:
        raise UsageError(f"the images of a kit must be of one architecture, not {sorted(found)}")
    return found.pop()


def _runner_files(wheels: Sequence[Wheel], folder: Path) -> dict[str, Path | bytes]:
    own = folder / OWN_PACKAGE
    write_own_package(own)
    lists = {
        f"wheels/{python}": "\n".join(
            [OWN_PACKAGE, *(wheel.file.name for wheel in wheels if python in wheel.pythons)]
        ).encode("ascii")
        for python in PYTHONS
    }
    packed = {f"wheels/{wheel.file.name}": wheel.file for wheel in wheels}
    return {**lists, **packed, f"wheels/{OWN_PACKAGE}": own}


def _project_files(
    project: Project, wish: KitWish, image_ids: Mapping[str, str]
) -> dict[str, Path | bytes]:
    catalogue = project.catalogue_file
    return {**project_files(project, wish.services, catalogue=catalogue, image_ids=image_ids)}


def _manifest(
    project: Project,
    wish: KitWish,
    image_ids: Mapping[str, str],
    architecture: str,
    files: Mapping[str, str],
) -> Manifest:
    now = datetime.now(UTC).replace(microsecond=0)
    names = [service.name for service in wish.services]
    return Manifest(
        format=FORMAT,
        customer=wish.customer.name,
        title=wish.customer.title,
        nonce=secrets.token_hex(32),
        built_at=now,
        expires_at=now + wish.valid,
        version=__version__,
        architecture=architecture,
        services=tuple(names),
        images=dict(image_ids),
        runner_image="",
        probes={name: digest_probes(probe_folders(project, name)) for name in names},
        files=dict(files),
    )
