"""Probe code as files: what belongs to it, its hash, and the private copy that is run.

Probes never run where they were written. What belongs to a folder is copied into an empty one that
has no parent of interest, so a ``conftest.py`` lying in the current folder or further up cannot be
picked up, nothing is written beside the sources, and ids come out the same on every machine.

What belongs to a probe folder: its regular files, at any depth, without hidden ones, bytecode,
``__init__.py``, and any ``conftest.py`` but the one directly inside it; and the ``conftest.py`` of
the parent folder if that one is called ``probes``.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrix.core.errors import ProbeCodeError

CONFTEST = "conftest.py"
PARENT = "probes"
#: Folder name in a copy for the Nth parent folder; taken off every path that is shown.
GROUP = "mx-{}"
#: A folder of probes with more than this is a mistake.
FOLDER_CAP_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file of probe code."""

    #: Where it was written.
    file: Path
    #: Where it goes in a copy, with "/": ``mx-0/queue/test_data.py``.
    place: str


def find_sources(folders: Sequence[Path]) -> tuple[Source, ...]:
    """The files that belong to *folders*, those of each folder in order of their names.

    Raises ProbeCodeError for a folder that is not there or too large, and for two folders of the
    same name side by side in the ids.
    """
    parents = list(dict.fromkeys(folder.parent for folder in folders))
    sources = [source for folder in folders for source in _of_folder(folder, parents)]
    sources += [
        Source(file=parent / CONFTEST, place=f"{GROUP.format(number)}/{CONFTEST}")
        for number, parent in enumerate(parents)
        if parent.name == PARENT and (parent / CONFTEST).is_file()
    ]
    _refuse_same_names(folders)
    return tuple(sources)


def digest(folders: Sequence[Path]) -> str:
    """SHA-256 over names and contents of all that belongs to *folders*; raises ProbeCodeError."""
    total = hashlib.sha256()
    for name, content in sorted(map(_fingerprint, find_sources(folders))):
        total.update(len(name).to_bytes(4, "big") + name + content)
    return f"sha256:{total.hexdigest()}"


def copy_sources(sources: Sequence[Source], root: Path) -> Mapping[str, Path]:
    """Copy them below *root*; returns place → original."""
    for source in sources:
        copy = root / source.place
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.file.read_bytes())
    return {source.place: source.file for source in sources}


def _fingerprint(source: Source) -> tuple[bytes, bytes]:
    _, _, name = source.place.partition("/")
    content = hashlib.sha256(source.file.read_bytes()).digest()
    return name.encode("utf-8", "surrogateescape"), content


def _of_folder(folder: Path, parents: Sequence[Path]) -> Iterator[Source]:
    if not folder.is_dir():
        raise ProbeCodeError(f"{folder}: there is no such folder of probes")
    group, size = GROUP.format(parents.index(folder.parent)), 0
    for file in _files(folder):
        size += file.stat().st_size
        if size > FOLDER_CAP_BYTES:
            raise ProbeCodeError(f"{folder}: more than {FOLDER_CAP_BYTES} bytes of probes")
        yield Source(file=file, place=f"{group}/{folder.name}/{file.relative_to(folder)}")


def _files(folder: Path) -> Iterator[Path]:
    for base, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith((".", "__pycache__")))
        for name in sorted(files):
            file = Path(base, name)
            if name == CONFTEST and Path(base) != folder:
                continue
            if name.startswith(".") or name.endswith(".pyc") or name == "__init__.py":
                continue
            yield _regular(file, folder)


def _regular(file: Path, folder: Path) -> Path:
    if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
        raise ProbeCodeError(f"{file}: not a regular file inside {folder}")
    return file


def _refuse_same_names(folders: Sequence[Path]) -> None:
    names = [folder.name for folder in folders]
    for name in names:
        if names.count(name) > 1:
            both = " and ".join(str(folder) for folder in folders if folder.name == name)
            raise ProbeCodeError(f'{both}: two folders of probes are called "{name}"')
