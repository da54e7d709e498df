"""The one file a customer gets: a shell script, and behind it a zip archive.

A shell reads it up to its first part's end, Python runs the ``__main__.py`` in the archive, and
``unzip`` looks into it. Members are stored as they are, so the images inside are an archive that
``docker load`` takes right out of the file. The last 64 bytes are the SHA-256 of all before them:
a guard against damage. What guards against forgery is the signature beside the file.
"""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO

from matrix.bundle.manifest import CAP_BYTES, Manifest, read_manifest
from matrix.bundle.members import check_directory, check_members
from matrix.bundle.window import Window
from matrix.core.errors import Refused

MANIFEST, IMAGES, MAIN = "kit.json", "images.tar", "__main__.py"
#: Begins an archive of the runner's image alone; its layers follow, which are in IMAGES.
RUNNER_HEAD = "runner.head"
#: What a machine needs for it, as text to be read.
REQUIREMENTS = "requirements.txt"
#: Of the digest at the end, as hexadecimal digits.
DIGEST_CHARACTERS = 64
CHUNK_BYTES = 1024 * 1024
#: Bytes of a file that is read whole.
MEMBER_CAP_BYTES = 64 * 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)
#: What Python says to an archive that is none, or does something ours never do.
_NO_ARCHIVE = (
    zipfile.BadZipFile,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_LOCAL_HEADER_BYTES = 30
_NUMBER_CHARACTERS = 15
#: What is filled into the shell part.
_NUMBERS = ("IMAGES_AT", "IMAGES_BYTES", "HEAD_AT", "HEAD_BYTES", "LAYERS_AT", "LAYERS_BYTES")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What goes into a kit: file in it → where it is now, or its bytes."""

    files: Mapping[str, Path | bytes]
    #: Archive of the images, see ``layout``.
    images: Path
    #: Where in the archive the layers of the runner's image are: offset, bytes; (0, 0) without one.
    runner_layers: tuple[int, int]


def digests(contents: Contents) -> dict[str, str]:
    """File in the kit → SHA-256, for the manifest."""
    found = {name: _digest(source) for name, source in contents.files.items()}
    return {**found, IMAGES: _digest(contents.images), MAIN: _digest(_script("main.py"))}


def write_kit(out: Path, contents: Contents, manifest: Manifest) -> None:
    """Write the kit; the file is there whole or not at all."""
    partial = out.with_name(f".{out.name}.partial")
    try:
        with partial.open("w+b") as file:
            file.write(_start(manifest, {}))
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                _write_members(archive, contents, manifest)
                archive.comment = b"0" * DIGEST_CHARACTERS
                entries = {entry.filename: entry for entry in archive.infolist()}
            _fill_in_start(file, manifest, contents, entries)
            _fill_in_digest(file)
        partial.chmod(0o755)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


class Kit:
    """A kit that is open for reading; everything in it is checked against its manifest.

    Raises Refused for a file that is no kit, is damaged, or does not hold what it says.
    """

    def __init__(self, path: Path) -> None:
        if not is_whole(path):
            raise Refused(f"{path.name} is damaged or was changed: ask for it again")
        self.path = path
        with path.open("rb") as file:
            check_directory(file, comment_bytes=DIGEST_CHARACTERS)
        try:
            self._archive = zipfile.ZipFile(path)
        except (*_NO_ARCHIVE, OSError) as error:
            raise Refused(f"{path.name} is no kit: {error}") from error
        try:
            self.manifest = self._checked_manifest()
        except _NO_ARCHIVE as error:
            self.close()
            raise Refused(f"{path.name} is no kit: {error}") from error
        except BaseException:
            self.close()
            raise

    def _checked_manifest(self) -> Manifest:
        entries = self._archive.infolist()
        check_members(entries, directory_at=self._archive.start_dir)
        manifest = read_manifest(self._read(MANIFEST, CAP_BYTES))
        if {entry.filename for entry in entries} != {MANIFEST, *manifest.files}:
            raise Refused("the kit does not hold exactly the files it says")
        if IMAGES not in manifest.files:
            raise Refused("the kit holds no images")
        return manifest

    def read(self, name: str) -> bytes:
        """One file, checked."""
        data = self._read(name, MEMBER_CAP_BYTES)
        if hashlib.sha256(data).hexdigest() != self.manifest.files[name]:
            raise Refused(f"{name} in the kit is not what it should be")
        return data

    def names(self, prefix: str) -> tuple[str, ...]:
        """Files whose names begin with *prefix*."""
        return tuple(name for name in self.manifest.files if name.startswith(prefix))

    @contextmanager
    def images(self) -> Iterator[IO[bytes]]:
        """The archive of the images, where one may go back and forth."""
        with self.path.open("rb", buffering=0) as file:
            entry = self._archive.getinfo(IMAGES)
            window = Window(file, _data_offset(file, entry), entry.file_size)
            yield io.BufferedReader(window)

    def close(self) -> None:
        """Let go of the file."""
        self._archive.close()

    def _read(self, name: str, cap: int) -> bytes:
        if self._archive.getinfo(name).file_size > cap:
            raise Refused(f"{name} in the kit is too large")
        try:
            return self._archive.read(name)
        except _NO_ARCHIVE as error:
            raise Refused(f"{name} in the kit cannot be read: {error}") from error


def is_whole(path: Path) -> bool:
    """Whether the digest at the end of the file is that of what comes before it."""
    left = path.stat().st_size - DIGEST_CHARACTERS
    if left <= 0:
        return False
    with path.open("rb") as file:
        found = _digest_of(file, left)
        return file.read() == found.encode("ascii")


def _write_members(archive: zipfile.ZipFile, contents: Contents, manifest: Manifest) -> None:
    said = manifest.model_dump_json(indent=1).encode("utf-8")
    for name, source in {MANIFEST: said, MAIN: _script("main.py"), **contents.files}.items():
        _write_member(archive, name, source)
    _write_member(archive, IMAGES, contents.images)


def _write_member(archive: zipfile.ZipFile, name: str, source: Path | bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16
    entry.file_size = len(source) if isinstance(source, bytes) else source.stat().st_size
    with _opened(source) as read, archive.open(entry, "w") as write:
        while piece := read.read(CHUNK_BYTES):
            write.write(piece)


def _fill_in_start(
    file: IO[bytes],
    manifest: Manifest,
    contents: Contents,
    entries: Mapping[str, zipfile.ZipInfo],
) -> None:
    """Say in the shell part where the images are."""
    layers_at, layers_bytes = contents.runner_layers
    numbers = {
        "IMAGES_AT": _data_offset(file, entries[IMAGES]),
        "IMAGES_BYTES": entries[IMAGES].file_size,
        "LAYERS_AT": layers_at,
        "LAYERS_BYTES": layers_bytes,
    }
    if RUNNER_HEAD in entries:
        numbers["HEAD_AT"] = _data_offset(file, entries[RUNNER_HEAD])
        numbers["HEAD_BYTES"] = entries[RUNNER_HEAD].file_size
    file.seek(0)
    file.write(_start(manifest, numbers))


def _data_offset(file: IO[bytes], entry: zipfile.ZipInfo) -> int:
    """Where the content of a member begins (APPNOTE.TXT, section 4.3.7)."""
    file.seek(entry.header_offset + 26)
    lengths = file.read(4)
    head = _LOCAL_HEADER_BYTES + int.from_bytes(lengths[:2], "little")
    return entry.header_offset + head + int.from_bytes(lengths[2:], "little")


def _fill_in_digest(file: IO[bytes]) -> None:
    left = file.seek(0, os.SEEK_END) - DIGEST_CHARACTERS
    file.seek(0)
    found = _digest_of(file, left)
    file.seek(left)
    file.write(found.encode("ascii"))


def _start(manifest: Manifest, numbers: Mapping[str, int]) -> bytes:
    """The shell part, of the same length whatever the *numbers* are."""
    text = _script("start.sh").replace(b"@RUNNER_IMAGE@", manifest.runner_image.encode("ascii"))
    for name in _NUMBERS:
        # Filled up behind: a shell takes a leading zero for an octal number.
        number = b"%-*d" % (_NUMBER_CHARACTERS, numbers.get(name, 0))
        text = text.replace(b"@%s@" % name.encode("ascii"), number)
    return text


def _script(name: str) -> bytes:
    return files("matrix.bundle").joinpath("scripts", name).read_bytes()


def _digest(source: Path | bytes) -> str:
    with _opened(source) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


@contextmanager
def _opened(source: Path | bytes) -> Iterator[IO[bytes]]:
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        yield file


def _digest_of(file: IO[bytes], count: int) -> str:
    found, left = hashlib.sha256(), count
    while left > 0 and (piece := file.read(min(CHUNK_BYTES, left))):
        found.update(piece)
        left -= len(piece)
    return found.hexdigest()
