"""A runner's own folder for sockets, and finding those of runners that were killed.

A folder has a locked file for as long as its runner lives; the kernel lets go of the lock when the
process ends, however it ends (flock(2)).
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The path of a unix socket takes 107 bytes (unix(7)), so folders are where such things are short.
PREFIX = "matrix-"
_OWNER = "owner"


@contextmanager
def workspace() -> Iterator[Path]:
    """A folder of our own, removed at the end."""
    hidden = Path(tempfile.mkdtemp(prefix=f".{PREFIX}"))
    # Locked before it gets the name that dead ones are looked for by.
    lock = os.open(hidden / _OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = hidden.rename(hidden.with_name(hidden.name.removeprefix(".")))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def dead_workspaces() -> tuple[Path, ...]:
    """Folders of this account whose runner has ended without removing them."""
    folders = sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    return tuple(folder for folder in folders if _is_ours(folder) and _is_dead(folder))


def remove_workspace(folder: Path) -> bool:
    """Remove one that is dead; whether it is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _is_ours(folder: Path) -> bool:
    """Anybody may make a folder of that name there, or a link."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _is_dead(folder: Path) -> bool:
    try:
        lock = os.open(folder / _OWNER, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
