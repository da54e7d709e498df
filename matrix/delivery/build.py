"""Building the catalogue's images on the engine of this machine.

What is current is left alone; the rest is built, bases first, two at a time. An image is current
when its label ``io.compat-matrix.inputs`` is the digest of its files and its bases' recipes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError

from matrix.core.build import BuildEvent, BuildWatcher, ImageState, ImageStatus
from matrix.core.errors import BuildFailed
from matrix.core.model import Base, Image
from matrix.delivery.build_bases import BaseSource, base_tag, make_base
from matrix.delivery.build_inputs import (
    INPUTS_LABEL,
    base_inputs,
    base_named,
    context_archive,
    context_files,
    image_inputs,
    plain_base,
)
from matrix.delivery.build_stream import find_image, opened, run_build

#: Builds at the same time: apt is mostly waiting, dpkg and compilers are not.
PARALLEL = 2
#: How long the engine may take to remove an image that nobody needs any more.
REMOVE_SECONDS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One thing to bring to the engine."""

    #: Tag it will have.
    tag: str
    #: What its label has to say for it to be current.
    inputs: str
    #: Tags that have to be there first.
    after: tuple[str, ...]
    #: Brings it, on a client of its own.
    work: Callable[[APIClient], None]


def image_tag(image: Image) -> str:
    """What the image is called on the local engine."""
    return f"compat-matrix/{image.name}:dev" if image.context else image.reference


def image_status(
    images: Sequence[Image], bases: Sequence[Base], *, socket: Path
) -> tuple[ImageStatus, ...]:
    """What the engine on *socket* has of each of *images*, in their order.

    Raises EngineUnavailable, and BuildFailed for a context that cannot be read.
    """
    with opened(socket) as client:
        return tuple(_status(client, image, bases) for image in images)


def build_images(
    images: Sequence[Image],
    bases: Sequence[Base],
    *,
    socket: Path,
    cache: Path,
    registry: str,
    observe: BuildWatcher,
) -> tuple[ImageStatus, ...]:
    """Build those of *images* that are stale or missing, and the bases they need.

    *cache* keeps bases made from packages; *registry* (``host:port``, "" for none) is asked for
    bases first. *observe* is called from several threads. An image without a context is not ours
    to build and is left out. Raises BuildFailed with the failing step's output, EngineUnavailable.
    """
    source = BaseSource(cache=cache, registry=registry)
    tasks = [
        *(_base_task(base, bases, source, observe) for base in needed_bases(images, bases)),
        *(_image_task(image, bases, observe) for image in images if image.context),
    ]
    with opened(socket) as client:
        due = outdated(tasks, {task.tag: _label(client, task.tag) for task in tasks})
    _carry_out(due, socket)
    return image_status(images, bases, socket=socket)


def build_bases(
    names: Collection[str],
    bases: Sequence[Base],
    *,
    socket: Path,
    cache: Path,
    registry: str,
    observe: BuildWatcher,
) -> None:
    """Make those of the *names* among *bases* that are stale or missing; raises as build_images.

    A name that is none of *bases* raises BuildFailed.
    """
    source = BaseSource(cache=cache, registry=registry)
    wanted = [base_named(bases, name) for name in dict.fromkeys(names)]
    tasks = [_base_task(base, bases, source, observe) for base in wanted]
    with opened(socket) as client:
        due = outdated(tasks, {task.tag: _label(client, task.tag) for task in tasks})
    _carry_out(due, socket)


def needed_bases(images: Sequence[Image], bases: Sequence[Base]) -> tuple[Base, ...]:
    """The bases that *images* are built on, plain ones before the builders made from them."""
    named = [base_named(bases, name) for image in images for name in image.bases.values()]
    plain = [plain_base(base, bases) if base.builder else base for base in named]
    builders = [base for base in named if base.builder]
    return tuple({base.name: base for base in [*plain, *builders]}.values())


def outdated(tasks: Sequence[Task], labels: Mapping[str, str]) -> tuple[Task, ...]:
    """Those of *tasks* whose tag does not carry the inputs asked for, in order."""
    return tuple(task for task in tasks if labels[task.tag] != task.inputs)


def _base_task(
    base: Base, bases: Sequence[Base], source: BaseSource, observe: BuildWatcher
) -> Task:
    def work(client: APIClient) -> None:
        make_base(client, base, bases, source=source, observe=observe)

    after = (base_tag(plain_base(base, bases)),) if base.builder else ()
    return Task(tag=base_tag(base), inputs=base_inputs(base, bases), after=after, work=work)


def _image_task(image: Image, bases: Sequence[Base], observe: BuildWatcher) -> Task:
    inputs = image_inputs(image, bases)
    arguments = {
        argument: base_tag(base_named(bases, name)) for argument, name in image.bases.items()
    }

    def work(client: APIClient) -> None:
        if image.context is None:
            raise BuildFailed(f"image {image.name} has no folder to be built from")
        run_build(
            client,
            image=image.name,
            tag=image_tag(image),
            context=context_archive(context_files(image.context)),
            arguments=arguments,
            labels={INPUTS_LABEL: inputs},
            observe=observe,
        )
        observe(BuildEvent(image=image.name, text="built"))

    after = tuple(arguments.values())
    return Task(tag=image_tag(image), inputs=inputs, after=after, work=work)


def _carry_out(tasks: Sequence[Task], socket: Path) -> None:
    """Do every task after those it waits for; raises what the first one to fail raised."""
    running: dict[str, Future[None]] = {}

    def do(task: Task, before: Collection[Future[None]]) -> None:
        # Those before were submitted earlier, so they run or are done: waiting cannot lock up.
        for future in before:
            future.result()
        _replace(socket, task)

    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="build") as pool:
        for task in tasks:
            before = [running[tag] for tag in task.after if tag in running]
            running[task.tag] = pool.submit(do, task, before)
        wait(running.values(), return_when=FIRST_EXCEPTION)
        for future in running.values():
            future.cancel()
    _raise_first(running.values())


def _raise_first(futures: Iterable[Future[None]]) -> None:
    """Raise the first error; what only waited for a cancelled task is not one."""
    raised = [future.exception() for future in futures if not future.cancelled()]
    for error in raised:
        if error is not None and not isinstance(error, CancelledError):
            raise error


def _replace(socket: Path, task: Task) -> None:
    """Do the task; the image it replaces goes, unless something still uses it."""
    with opened(socket) as client:
        before = find_image(client, task.tag)
        task.work(client)
        after = find_image(client, task.tag)
    if before and after and before["Id"] != after["Id"]:
        _remove(socket, str(before["Id"]))


def _remove(socket: Path, image_id: str) -> None:
    try:
        with opened(socket, silence_seconds=REMOVE_SECONDS) as client:
            client.remove_image(image_id)
    except (APIError, requests.RequestException):
        # A container runs it or another image is built on it, so it is theirs now. Or the engine
        # is busy: before it removes an image it waits for every container that is being stopped.
        return


def _label(client: APIClient, tag: str) -> str:
    found = find_image(client, tag)
    return _labels(found).get(INPUTS_LABEL, "") if found else ""


def _labels(found: Mapping[str, Any]) -> Mapping[str, str]:
    return (found.get("Config") or {}).get("Labels") or {}


def _status(client: APIClient, image: Image, bases: Sequence[Base]) -> ImageStatus:
    inputs = image_inputs(image, bases)
    found = find_image(client, image_tag(image))
    if found is None:
        return ImageStatus(
            name=image.name,
            state=ImageState.MISSING,
            id="",
            size_bytes=0,
            created_at=None,
            inputs=inputs,
        )
    current = not inputs or _labels(found).get(INPUTS_LABEL) == inputs
    return ImageStatus(
        name=image.name,
        state=ImageState.CURRENT if current else ImageState.STALE,
        id=str(found["Id"]),
        size_bytes=int(found["Size"]),
        # RFC 3339 with up to nine digits of a second; Python takes six.
        created_at=datetime.fromisoformat(str(found["Created"])[:19] + "+00:00"),
        inputs=inputs,
    )
