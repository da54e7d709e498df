"""Get an image to the engine it is to run on, exactly that one, and no further than needed.

| the target has it | a reference is given | the source has it | what is done                 |
|-------------------|----------------------|-------------------|------------------------------|
| yes               |                      |                   | nothing                      |
| no                | yes                  |                   | pulled there by digest       |
| no                | no                   | yes               | the layers it lacks are sent |
| no                | no                   | no                | DeliveryFailed               |

In every row the image must be made for the target's architecture, else WrongArchitecture.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from matrix.core.errors import (
    DeadlineExceeded,
    DeliveryFailed,
    DiskFull,
    ImageMismatch,
    MatrixError,
    WrongArchitecture,
)
from matrix.core.ports import Engine, ImageInfo, Images, Progress
from matrix.core.store_ports import Intent, Journal
from matrix.delivery.remaining import Remaining

#: An archive may be this much longer than the image says it is, and no more.
SIZE_FACTOR = 1.5
SIZE_ROOM_BYTES = 1024 * 1024
#: Free disk an image needs while it is loaded, in sizes of itself: the archive and its layers.
DISK_FACTOR = 2
#: Seconds one image may take when nobody says otherwise: 375 MB at 5 Mbit/s.
DELIVERY_SECONDS = 600.0
#: What is to stay free of a disk whose floor we would go below.
FREE_SHARE = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """The disk of an engine before something is put on it; None where it is not known."""

    free_bytes: int | None
    total_bytes: int | None
    #: Free bytes below which the host is not touched (``Limits.free_disk_floor_bytes``).
    floor_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which image is wanted, and how it may be had."""

    #: ``sha256:…`` of its configuration; "" when only the reference is known.
    image_id: str
    #: ``repository@sha256:…`` in a registry, "" when there is none.
    reference: str
    #: Of the machine it is to run on, in OCI words.
    architecture: str

    @property
    def name(self) -> str:
        """What to ask an engine for."""
        return self.image_id or self.reference


def deliver(
    wanted: Wanted,
    *,
    target: Engine,
    source: Images | None,
    journal: Journal,
    intent: Intent,
    disk: Disk,
    progress: Progress,
    seconds: float = DELIVERY_SECONDS,
) -> ImageInfo:
    """Make sure that *target* has the image; returns it as it is there.

    *intent* says run, cell, environment and host; an entry of kind "image" is journalled before
    something is brought, and only then. Several threads that want one image on one host bring it
    once. *progress* may raise to stop it, *seconds* bounds it. Raises WrongArchitecture, DiskFull,
    PullFailed, DeliveryFailed, ImageMismatch, DeadlineExceeded and what the engines raise; the host
    then has nothing new.
    """
    present = _present(wanted, target)
    if present is not None:
        return present
    with _one_at_a_time((intent.environment, intent.host, wanted.name), seconds):
        present = _present(wanted, target)
        if present is not None:
            return present
        sent = None if wanted.reference else _at_source(wanted, source)
        check_disk(disk, sent.size_bytes if sent else 0, where=intent.host)
        entry = journal.intend(replace(intent, kind="image", name=wanted.name, id=wanted.image_id))
        try:
            image = _bring(wanted, target, source, sent, progress=progress, seconds=seconds)
        except MatrixError:
            _undo(wanted, target, journal, entry)
            raise
        journal.confirm(entry, image.id)
        return image


def check_disk(disk: Disk, size_bytes: int, *, where: str) -> None:
    """Raises DiskFull unless the disk takes an image of *size_bytes* and stays usable.

    | free                                                    | |
    |---------------------------------------------------------|-|
    | less than the floor                                     | refused |
    | less than twice the image                               | refused |
    | afterwards less than the floor and than a tenth of all  | refused |
    """
    free = disk.free_bytes
    if free is None:
        return
    after = free - size_bytes
    if free < disk.floor_bytes or free < DISK_FACTOR * size_bytes or after < _to_stay_free(disk):
        raise DiskFull(
            f"host {where} has {free} bytes free on the engine's disk; an image of {size_bytes} "
            f"bytes needs {DISK_FACTOR} times that, and {_to_stay_free(disk)} are to stay free"
        )


def _to_stay_free(disk: Disk) -> int:
    return min(disk.floor_bytes, round(FREE_SHARE * (disk.total_bytes or 0)))


def capped(archive: Iterable[bytes], *, size_bytes: int) -> Iterator[bytes]:
    """*archive*; raises DeliveryFailed when it is far longer than its image."""
    seen, cap = 0, int(size_bytes * SIZE_FACTOR) + SIZE_ROOM_BYTES
    for piece in archive:
        seen += len(piece)
        if seen > cap:
            raise DeliveryFailed(
                f"the archive is longer than {cap} bytes, the image says it has {size_bytes}"
            )
        yield piece


def told(remaining: Remaining, *, size_bytes: int, progress: Progress) -> Iterator[bytes]:
    """What is sent, told to *progress* as it goes."""
    sent = 0
    for piece in remaining:
        sent += len(piece)
        progress(sent_bytes=sent, total_bytes=max(sent, size_bytes - remaining.left_out_bytes))
        yield piece


def _present(wanted: Wanted, target: Images) -> ImageInfo | None:
    """The image where the target has it already, of the right architecture."""
    image = target.inspect_image(wanted.name)
    return None if image is None else _checked(wanted, image)


def _at_source(wanted: Wanted, source: Images | None) -> ImageInfo:
    image = source.inspect_image(wanted.name) if source else None
    if image is None:
        raise DeliveryFailed(
            f"image {wanted.name} is neither on the host, nor in a registry, nor on the local "
            "engine: `matrix image build` makes it"
        )
    return _checked(wanted, image)


def _checked(wanted: Wanted, image: ImageInfo) -> ImageInfo:
    if image.architecture != wanted.architecture:
        raise WrongArchitecture(
            f"the host asks for {wanted.architecture}, image {wanted.name} is made for "
            f"{image.architecture}"
        )
    if wanted.image_id not in {"", image.id}:
        raise ImageMismatch(f"image {wanted.name} was asked for, {image.id} is what came")
    return image


def _bring(
    wanted: Wanted,
    target: Engine,
    source: Images | None,
    sent: ImageInfo | None,
    *,
    progress: Progress,
    seconds: float,
) -> ImageInfo:
    if sent is None or source is None:
        image = target.pull_image(
            wanted.reference,
            architecture=wanted.architecture,
            seconds=seconds,
            progress=progress,
        )
    else:
        image = _send(sent, source, target, progress=progress, seconds=seconds)
    return _checked(wanted, image)


def _send(
    sent: ImageInfo, source: Images, target: Engine, *, progress: Progress, seconds: float
) -> ImageInfo:
    """Only the layers that the target lacks, and all of them where that does not do."""

    def send(known: frozenset[str]) -> ImageInfo:
        left = max(0.0, until - time.monotonic())
        saved = capped(source.save_image(sent.id, seconds=left), size_bytes=sent.size_bytes)
        archive = told(Remaining(saved, known=known), size_bytes=sent.size_bytes, progress=progress)
        return target.load_image(archive, sent.id, seconds=left)

    until = time.monotonic() + seconds
    known = target.known_layers(sent.layers)
    if known:
        # A layer may be gone since it was looked for, and some stores of images want all of them.
        with suppress(DeliveryFailed):
            return send(known)
    return send(frozenset())


def _undo(wanted: Wanted, target: Engine, journal: Journal, entry: int) -> None:
    """Remove what came although it was not right; what cannot be told stays in the journal."""
    names = {name for name in (wanted.image_id, wanted.reference) if name}
    try:
        for name in names:
            image = target.inspect_image(name)
            if image is not None:
                journal.confirm(entry, image.id)
                target.remove_object("image", image.id)
    except MatrixError:
        # The sweep has the entry and tries again; the first error is the one that matters now.
        return
    journal.forget(entry)


_locks: dict[tuple[str, str, str], threading.Lock] = {}
_locks_guard = threading.Lock()


@contextmanager
def _one_at_a_time(key: tuple[str, str, str], seconds: float) -> Iterator[None]:
    with _locks_guard:
        lock = _locks.setdefault(key, threading.Lock())
    if not lock.acquire(timeout=seconds):
        raise DeadlineExceeded(f"another cell is still bringing {key[2]} to {key[1]}")
    try:
        yield
    finally:
        lock.release()
