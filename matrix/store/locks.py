"""Which runs have a runner that lives: one locked file for each.

The kernel lets go of the lock when the process ends, however it ends, so a number that was given
to another process, or a crash, cannot make a dead run look alive (flock(2)).
"""

import fcntl
import os
import re
import threading
import time
from pathlib import Path

from matrix.core.errors import StoreError

#: A look at a lock takes it for an instant; a holder tries for this long before it gives up.
PATIENCE_SECONDS = 2.0
PAUSE_SECONDS = 0.02
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class RunLocks:
    """The locks of the runs of one store, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}
        self._changing = threading.Lock()

    def hold(self, run: str) -> None:
        """Say that this process carries *run*, until ``release`` or its end.

        Raises StoreError when another process does.
        """
        with self._changing:
            if run not in self._held:
                self._held[run] = self._take(self._path(run))

    def holds(self, run: str) -> bool:
        """Whether this process, by these locks, carries *run*."""
        return run in self._held

    def release(self, run: str) -> None:
        """The run is over; fine when it was not held."""
        with self._changing:
            descriptor = self._held.pop(run, None)
            if descriptor is not None:
                # Removed while it is held: whoever waits for it sees that the name is gone.
                self._path(run).unlink(missing_ok=True)
                os.close(descriptor)

    def is_alive(self, run: str) -> bool:
        """Whether a process, this one or another, carries *run*."""
        try:
            descriptor = os.open(self._path(run), os.O_RDONLY)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _cannot_lock(self._path(run), error) from error
        try:
            # Shared, so that two who look at once do not see each other.
            return not _lock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of all; the runs stay unfinished."""
        with self._changing:
            for descriptor in self._held.values():
                os.close(descriptor)
            self._held.clear()

    def _path(self, run: str) -> Path:
        if not _NAME.fullmatch(run):
            message = f"{run!r} is not the id of a run"
            raise StoreError(message)
        return self._folder / f"{run}.lock"

    def _take(self, path: Path) -> int:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            descriptor = self._open(path)
            if _lock(descriptor, fcntl.LOCK_EX) and _still_named(descriptor, path):
                return descriptor
            os.close(descriptor)
            if time.monotonic() > until:
                message = f"run {path.stem} is going on in another process: wait for it to end"
                raise StoreError(message)
            time.sleep(PAUSE_SECONDS)

    def _open(self, path: Path) -> int:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _cannot_lock(path, error) from error


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_named(descriptor: int, path: Path) -> bool:
    """Whether the file was not removed between being opened and being locked."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _cannot_lock(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: cannot be locked ({error.strerror}): check who may write there")
