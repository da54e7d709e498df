"""Layers of images, compressed once and kept by the digest of what they hold."""

import hashlib
import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from matrix.core.errors import DeliveryFailed

CHUNK_BYTES = 1024 * 1024
#: Deflate in gzip's wrapping.
GZIP = 31
LEVEL = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One compressed layer in a file."""

    #: ``sha256:…`` of the tar inside.
    diff_id: str
    #: ``sha256:…`` of the compressed file.
    digest: str
    file: Path

    @property
    def size_bytes(self) -> int:
        """Of the compressed file."""
        return self.file.stat().st_size


@dataclass(frozen=True, kw_only=True, slots=True)
class UnpackedImage:
    """An image as parts: its configuration and its layers, lowest first."""

    config: bytes
    layers: tuple[Layer, ...]

    @property
    def id(self) -> str:
        """``sha256:…`` of the configuration."""
        return digest_of(self.config)

    @property
    def document(self) -> Mapping[str, Any]:
        """The configuration as the OCI image specification describes it."""
        document: Mapping[str, Any] = json.loads(self.config)
        return document


def digest_of(data: bytes) -> str:
    """``sha256:…`` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def unpack_image(saved: Iterable[bytes], *, cache: Path) -> UnpackedImage:
    """Take a ``docker save`` archive of one image apart; layers go to *cache*, once each.

    Raises DeliveryFailed for an archive that is not of one image.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=cache) as file:
        for piece in saved:
            file.write(piece)
        file.seek(0)
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                return _take_apart(archive, cache)
        except (tarfile.TarError, KeyError, ValueError, TypeError) as error:
            raise DeliveryFailed(f"the engine's archive is not of one image: {error}") from error


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """*pieces* as gzip, the same bytes for the same content everywhere."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """The content of *file* from where it stands."""
    while piece := file.read(CHUNK_BYTES):
        yield piece


def _take_apart(archive: tarfile.TarFile, cache: Path) -> UnpackedImage:
    (entry,) = json.loads(_read(archive, "manifest.json"))
    config = _read(archive, entry["Config"])
    diff_ids = json.loads(config)["rootfs"]["diff_ids"]
    layers = tuple(
        _layer(archive, name, diff_id, cache)
        for name, diff_id in zip(entry["Layers"], diff_ids, strict=True)
    )
    return UnpackedImage(config=config, layers=layers)


def _layer(archive: tarfile.TarFile, name: str, diff_id: str, cache: Path) -> Layer:
    file = cache / f"{diff_id.removeprefix('sha256:')}.tar.gz"
    if not file.exists():
        partial = file.with_suffix(".partial")
        with partial.open("wb") as out:
            for piece in compressed(_checked(archive, name, diff_id)):
                out.write(piece)
        partial.replace(file)
    with file.open("rb") as whole:
        digest = hashlib.file_digest(whole, "sha256").hexdigest()
    return Layer(diff_id=diff_id, digest=f"sha256:{digest}", file=file)


def _checked(archive: tarfile.TarFile, name: str, diff_id: str) -> Iterator[bytes]:
    """The layer's tar; raises ValueError at its end when it is not the one it should be."""
    found = hashlib.sha256()
    for piece in pieces_of(_member(archive, name)):
        found.update(piece)
        yield piece
    if f"sha256:{found.hexdigest()}" != diff_id:
        raise ValueError(f"layer {name} is not {diff_id}")


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    return _member(archive, name).read()


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A regular file, or what a link inside the archive points to."""
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member
