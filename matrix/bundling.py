"""Making a kit: the images, the runner, the probes and what they are for, in one signed file."""

import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

from matrix import __version__
from matrix.app import probes_of
from matrix.bundle.kit import REQUIREMENTS, RUNNER_HEAD, Contents, digests, write_kit
from matrix.bundle.kit_policy import POLICY, kit_policy
from matrix.bundle.layers import UnpackedImage, unpack_image
from matrix.bundle.layout import docker_head, layers_place, write_layout
from matrix.bundle.manifest import FORMAT, Manifest
from matrix.bundle.project_files import project_files
from matrix.bundle.wheels import PYTHONS, Wheel, fetch_wheels, write_own_package
from matrix.core.build import BuildWatcher
from matrix.core.errors import UsageError
from matrix.core.model import Environment, Project, Service
from matrix.core.planning import quickest_first
from matrix.core.ports import Images
from matrix.core.reading import CLAIMS
from matrix.probing.sources import digest as digest_probes
from matrix.site import Site
from matrix.wiring import build_missing, ensure_images, probe_folders, source_engine

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
    #: In the order in which they are measured.
    services: tuple[Service, ...]
    valid: timedelta
    #: Name of the image that the runner can run in; None for none.
    runner: str | None
    #: Writes what a machine needs for the services; asked when their images are built.
    requirements: Callable[[], str]
    out: Path
    observe: BuildWatcher
    say: Say


def quickest_services(site: Site, services: Sequence[Service]) -> tuple[Service, ...]:
    """*services* in the order in which a kit measures them: the quickest first, as far as known.

    Known are the cells of this project's store; of a service in none of them, what its probes are
    allowed to take. Raises ProbeCodeError.
    """
    seconds: dict[str, list[float]] = {}
    for cell, (_, result) in site.store.newest_cells().items():
        if result.verdict in CLAIMS and result.attempts:
            seconds.setdefault(cell.service, []).append(result.attempts[-1].seconds)
    order = quickest_first(
        [service.name for service in services],
        {name: mean(times) for name, times in seconds.items()},
        {
            service.name: sum(probe.timeout_seconds for probe in probes_of(site, service.name))
            for service in services
        },
    )
    return tuple(sorted(services, key=lambda service: order.index(service.name)))


def build_kit(project: Project, wish: KitWish) -> Manifest:
    """Write the kit to ``wish.out``; returns what it says about itself.

    Raises BuildFailed, EngineUnavailable, DeliveryFailed and UsageError.
    """
    image_ids = ensure_images(project, wish.services, observe=wish.observe)
    runner_id = _ensure_runner(project, wish)
    cache = project.state / CACHE
    # The runner's first: its layers have to be in one piece.
    wanted = tuple(dict.fromkeys([*filter(None, [runner_id]), *image_ids.values()]))
    wish.say("taking the images apart and compressing their layers")
    architecture, images = _taken_apart(wanted, cache / "layers")
    wish.say("fetching the wheels of the runner")
    wheels = fetch_wheels(architecture, cache=cache / "wheels")
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        contents = _contents(
            images,
            Path(folder),
            files={
                **_runner_files(wheels, Path(folder)),
                **_project_files(project, wish, image_ids),
            },
            runner=images[0] if runner_id else None,
        )
        manifest = _manifest(
            project,
            wish,
            image_ids,
            architecture=architecture,
            files=digests(contents),
            runner_id=runner_id,
        )
        wish.say(f"writing {wish.out}")
        write_kit(wish.out, contents, manifest)
    return manifest


def _taken_apart(wanted: Sequence[str], cache: Path) -> tuple[str, tuple[UnpackedImage, ...]]:
    """The one architecture of the images with these ids, and their parts."""
    engine = source_engine()
    try:
        architecture = _architecture(engine, wanted)
        return architecture, tuple(
            unpack_image(engine.save_image(image, seconds=SAVE_SECONDS), cache=cache)
            for image in wanted
        )
    finally:
        engine.close()


def _contents(
    images: Sequence[UnpackedImage],
    folder: Path,
    *,
    files: Mapping[str, Path | bytes],
    runner: UnpackedImage | None,
) -> Contents:
    """The archive of the images in *folder*, and where those of the runner are in it."""
    archive = folder / "images.tar"
    with archive.open("w+b") as file:
        write_layout(images, file)
        file.seek(0)
        place = (0, 0) if runner is None else layers_place(file, runner)
    head = {} if runner is None else {RUNNER_HEAD: docker_head(runner)}
    return Contents(images=archive, runner_layers=place, files={**head, **files})


def _ensure_runner(project: Project, wish: KitWish) -> str:
    """Id of the image that the runner can run in, "" when none is wanted."""
    if wish.runner is None:
        return ""
    (found,) = build_missing(project, [wish.runner], observe=wish.observe)
    return found.id


def _architecture(engine: Images, image_ids: Sequence[str]) -> str:
    """The one architecture of all images."""
    found = {
        image.architecture
        for image_id in image_ids
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
    files = project_files(project, wish.services, catalogue=catalogue, image_ids=image_ids)
    names = [service.name for service in wish.services]
    policy = kit_policy(project.policy, wish.customer.name, names)
    return {
        REQUIREMENTS: wish.requirements().encode("utf-8"),
        POLICY: policy.encode("utf-8"),
        **files,
    }


def _manifest(
    project: Project,
    wish: KitWish,
    image_ids: Mapping[str, str],
    *,
    architecture: str,
    files: Mapping[str, str],
    runner_id: str,
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
        runner_image=runner_id,
        probes={name: digest_probes(probe_folders(project, name)) for name in names},
        files=dict(files),
    )
