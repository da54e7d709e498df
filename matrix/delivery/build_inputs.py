"""What an image is built from: its files as an archive, and one digest of everything that counts.

The digest says whether a built image is stale, so it holds what changes the image and nothing
that differs between two clones of the same commit: no times, no owners, and of the modes only
whether a file can be executed.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matrix.core.errors import BuildFailed
from matrix.core.model import Base, Image

#: Label of an image that holds the digest of what it was built from.
INPUTS_LABEL = "io.compat-matrix.inputs"
#: Written by a Python that only looked at the files; never part of an image.
IGNORED_FOLDERS = frozenset({"__pycache__"})
#: The two kinds of file there are, as modes.
PLAIN, EXECUTABLE = 0o644, 0o755


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextFile:
    """One file of a build context, held in memory: contexts are small."""

    #: Relative to the context, with slashes.
    path: str
    #: PLAIN or EXECUTABLE.
    mode: int
    data: bytes
    #: Where a symbolic link points to, "" for a file.
    link: str = ""


def context_files(folder: Path) -> tuple[ContextFile, ...]:
    """Every file below *folder*, sorted by path; raises BuildFailed without a Dockerfile."""
    files = tuple(sorted(_walk(folder), key=lambda file: file.path))
    if not any(file.path == "Dockerfile" for file in files):
        raise BuildFailed(f"{folder} has no Dockerfile")
    return files


def context_archive(files: Sequence[ContextFile]) -> io.BytesIO:
    """The files as an uncompressed archive for the engine's build call."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            entry = tarfile.TarInfo(file.path)
            entry.mode, entry.size = file.mode, len(file.data)
            if file.link:
                entry.type, entry.linkname = tarfile.SYMTYPE, file.link
            archive.addfile(entry, io.BytesIO(file.data))
    buffer.seek(0)
    return buffer


def image_inputs(image: Image, bases: Sequence[Base]) -> str:
    """Digest of all that *image* is built from, its bases included; "" when it is only pulled."""
    if image.context is None:
        return ""
    arguments = {
        argument: base_inputs(base_named(bases, name), bases)
        for argument, name in image.bases.items()
    }
    return _digest({"files": _summary(context_files(image.context)), "bases": arguments})


def base_inputs(base: Base, bases: Sequence[Base]) -> str:
    """Digest of the recipe of a base; the packages it is made from are not in it."""
    if base.builder:
        recipe = _summary(context_files(base.context / "builder"))
        below = base_inputs(plain_base(base, bases), bases)
        return _digest({"files": recipe, "packages": list(base.builder), "base": below})
    return _digest({"suite": base.suite, "reference": base.reference, "recipe": _recipe(base)})


def base_named(bases: Sequence[Base], name: str) -> Base:
    """The base of that name; raises BuildFailed, naming those there are."""
    for base in bases:
        if base.name == name:
            return base
    known = ", ".join(sorted(base.name for base in bases)) or "none"
    raise BuildFailed(f'there is no base "{name}" (known: {known})')


def plain_base(base: Base, bases: Sequence[Base]) -> Base:
    """The base that is shipped and that a builder *base* starts from: the one of its suite."""
    for other in bases:
        if other.suite == base.suite and not other.builder:
            return other
    return replace(base, name=base.suite, builder=())


def _recipe(base: Base) -> str:
    try:
        return hashlib.sha256((base.context / "make-base").read_bytes()).hexdigest()
    except OSError as error:
        raise BuildFailed(f"the recipe of base {base.name} cannot be read: {error}") from error


def _walk(folder: Path) -> Iterator[ContextFile]:
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if name not in IGNORED_FOLDERS]
        for name in names:
            path = Path(parent, name)
            yield _context_file(path, path.relative_to(folder).as_posix())


def _refuse(error: OSError) -> None:
    raise BuildFailed(f"a build context cannot be read: {error}") from error


def _context_file(path: Path, relative: str) -> ContextFile:
    if path.is_symlink():
        return ContextFile(path=relative, mode=EXECUTABLE, data=b"", link=os.readlink(path))
    mode = EXECUTABLE if path.stat().st_mode & 0o100 else PLAIN
    return ContextFile(path=relative, mode=mode, data=path.read_bytes())


def _summary(files: Sequence[ContextFile]) -> list[list[str]]:
    return [
        [file.path, oct(file.mode), file.link, hashlib.sha256(file.data).hexdigest()]
        for file in files
    ]


def _digest(value: Mapping[str, object]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
