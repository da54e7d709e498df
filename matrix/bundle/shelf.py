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
#: Files in the archive, and layers of an image, at most.
MEMBERS_MOST, LAYERS_MOST = 10_000, 500
#: More is never read at once.
PIECE_CAP_BYTES = 8 * 1024 * 1024
#: Of the shortest gzip file, and of the length at its end.
GZIP_BYTES, LENGTH_BYTES = 18, 4
#: What comes of an archive that is none of ours.
_NOT_OURS = (KeyError, ValueError, TypeError, AttributeError, EOFError, OSError, RecursionError)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shelved:
    """One image as the archive's manifest has it."""

    config: bytes
    architecture: str
    labels: Mapping[str, str]
    #: Names of its layers in the archive, lowest first.
    layers: tuple[str, ...]


class Shelf:
    """``ports.Images`` over an archive made by ``layout.write_layout``; it can only be read.

    Every image is given as an archive of its own, so that only what is needed is sent. Raises
    Refused for an archive that is not ours or does not hold together.
    """

    def __init__(self, file: IO[bytes]) -> None:
        try:
            # The stub wants more of a file than is needed.
            self._archive = tarfile.open(  # noqa: SIM115 - kept open
                fileobj=_InPieces(file),  # type: ignore[call-overload]
                mode="r:",
            )
            self._members = self._read_members()
            self._images = {
                digest_of(one.config): one
                for one in (self._read_image(entry) for entry in self._read_manifest())
            }
        except (tarfile.TarError, *_NOT_OURS) as error:
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
        return ImageInfo(
            id=reference,
            architecture=image.architecture,
            size_bytes=self._size(image),
            labels=MappingProxyType(dict(image.labels)),
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

    def _read_members(self) -> dict[str, tarfile.TarInfo]:
        members: dict[str, tarfile.TarInfo] = {}
        for member in self._archive:
            if len(members) >= MEMBERS_MOST or member.name in members or not _plain(member):
                raise ValueError(f"{member.name[:80]!r} is there twice, no file, or one too many")
            members[member.name] = member
        return members

    def _read_manifest(self) -> list[Mapping[str, Any]]:
        found = json.loads(self._document("manifest.json"))
        if not isinstance(found, list):
            raise TypeError("manifest.json is no list")
        return found

    def _read_image(self, entry: Mapping[str, Any]) -> _Shelved:
        config, layers = self._document(entry["Config"]), tuple(entry["Layers"])
        if entry["Config"] != blob(digest_of(config)):
            raise ValueError(f"{entry['Config']} has other content than its name says")
        if len(layers) > LAYERS_MOST or any(
            self._members[name].size < GZIP_BYTES for name in layers
        ):
            raise ValueError("a layer is too short, or there are too many")
        document = json.loads(config)
        return _Shelved(
            config=config,
            architecture=_text(document["architecture"]),
            labels={
                _text(name): _text(value)
                for name, value in (document.get("config", {}).get("Labels") or {}).items()
            },
            layers=layers,
        )

    def _document(self, name: str) -> bytes:
        if self._members[name].size > DOCUMENT_CAP_BYTES:
            raise ValueError(f"{name} is too large")
        return self._open(name).read()

    def _open(self, name: str) -> IO[bytes]:
        member = self._members[name]
        opened: IO[bytes] | None = self._archive.extractfile(member)
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


class _InPieces:
    """A file of which nothing is read that is larger than a piece: no header of ours is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count: int) -> bytes:
        """At most *count* bytes; raises ValueError when more are asked for than ever should be."""
        if not 0 <= count <= PIECE_CAP_BYTES:
            raise ValueError("something in the archive is too large")
        return self._file.read(count)


def _plain(member: tarfile.TarInfo) -> bool:
    """Whether it is a file that is as long as it says."""
    return member.isreg() and not member.issparse()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("an image's description has something else where text belongs")
    return value


def _file(name: str, data: bytes) -> Iterator[bytes]:
    yield _head(name, len(data)) + data + _padding(len(data))


def _head(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK_BYTES)
