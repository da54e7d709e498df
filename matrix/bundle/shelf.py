"""The images of a kit, as a source that images are delivered from."""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO, Any

from matrix.bundle.layers import digest_of, pieces_of
from matrix.bundle.layout import blob
from matrix.core.errors import DeliveryFailed, Refused
from matrix.core.ports import ImageInfo, Progress

#: A manifest or configuration larger than this is not ours.
DOCUMENT_CAP_BYTES = 4 * 1024 * 1024
BLOCK_BYTES = tarfile.BLOCKSIZE
#: Of the length at the end of a gzip file.
LENGTH_BYTES = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shelved:
    """One image as the archive's manifest has it."""

    config: bytes
    #: Names of its layers in the archive, lowest first.
    layers: tuple[str, ...]


class Shelf:
    """``ports.Images`` over an archive made by ``layout.write_layout``; it can only be read.

    Every image is given as an archive of its own, so that only what is needed is sent. Raises
    Refused for an archive that is not ours or does not hold together.
    """

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - kept open
            self._members = {member.name: member for member in self._archive}
            self._images = {
                digest_of(one.config): one
                for one in (self._read_image(entry) for entry in self._read_manifest())
            }
        except (tarfile.TarError, KeyError, ValueError, TypeError, EOFError) as error:
            raise Refused(f"the images of the kit cannot be read: {error}") from error

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all images."""
        return tuple(self._images)

    def inspect_image(self, reference: str) -> ImageInfo | None:
        """The image of that id, None when the kit has none."""
        image = self._images.get(reference)
        if image is None:
            return None
        document: Mapping[str, Any] = json.loads(image.config)
        return ImageInfo(
            id=reference,
            architecture=str(document["architecture"]),
            size_bytes=self._size(image),
            labels=MappingProxyType(dict(document.get("config", {}).get("Labels") or {})),
        )

    def pull_image(
        self, reference: str, *, architecture: str, seconds: float, progress: Progress
    ) -> ImageInfo:
        """Never: a kit needs no network."""
        del architecture, seconds, progress
        raise DeliveryFailed(f"image {reference} is not in the kit, and a kit pulls nothing")

    def load_image(self, archive: Iterable[bytes], image_id: str, *, seconds: float) -> ImageInfo:
        """Never: a kit is not changed."""
        del archive, seconds
        raise DeliveryFailed(f"image {image_id} cannot be put into a kit")

    def save_image(self, image_id: str, *, seconds: float) -> Iterator[bytes]:
        """The one image as a docker-archive with its layers as gzip."""
        del seconds
        image = self._images.get(image_id)
        if image is None:
            raise DeliveryFailed(f"image {image_id} is not in the kit")
        manifest = [{"Config": blob(image_id), "RepoTags": None, "Layers": list(image.layers)}]
        yield from _file("manifest.json", json.dumps(manifest).encode("utf-8"))
        yield from _file(blob(image_id), image.config)
        for name in dict.fromkeys(image.layers):
            yield from self._layer(name)
        yield bytes(2 * BLOCK_BYTES)

    def _layer(self, name: str) -> Iterator[bytes]:
        member = self._members[name]
        yield _head(name, member.size)
        yield from pieces_of(self._open(name))
        yield _padding(member.size)

    def _read_manifest(self) -> list[Mapping[str, Any]]:
        found = json.loads(self._document("manifest.json"))
        if not isinstance(found, list):
            raise TypeError("manifest.json is no list")
        return found

    def _read_image(self, entry: Mapping[str, Any]) -> _Shelved:
        config, layers = self._document(entry["Config"]), tuple(entry["Layers"])
        if entry["Config"] != blob(digest_of(config)):
            raise ValueError(f"{entry['Config']} has other content than its name says")
        if not all(self._members[name].isreg() for name in layers):
            raise ValueError("a layer is no file")
        return _Shelved(config=config, layers=layers)

    def _document(self, name: str) -> bytes:
        if self._members[name].size > DOCUMENT_CAP_BYTES:
            raise ValueError(f"{name} is too large")
        return self._open(name).read()

    def _open(self, name: str) -> IO[bytes]:
        member = self._members[name]
        opened = self._archive.extractfile(member) if member.isreg() else None
        if opened is None:
            raise ValueError(f"{name} is no file")
        return opened

    def _size(self, image: _Shelved) -> int:
        """Of what the engine unpacks: gzip keeps the length at its end (RFC 1952, section 2.3)."""
        return len(image.config) + sum(self._unpacked_size(name) for name in set(image.layers))

    def _unpacked_size(self, name: str) -> int:
        file = self._open(name)
        file.seek(-LENGTH_BYTES, io.SEEK_END)
        return int.from_bytes(file.read(LENGTH_BYTES), "little")


def _file(name: str, data: bytes) -> Iterator[bytes]:
    yield _head(name, len(data)) + data + _padding(len(data))


def _head(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK_BYTES)
