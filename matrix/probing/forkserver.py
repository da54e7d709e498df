"""The runner's side of the process that forks: start it, ask for children, talk to them.

Nothing is inherited but what is given: the interpreter runs isolated (``-I``: no PYTHON* variable,
no user site, no current folder on the path), in a session of its own so that a Ctrl-C of the
terminal stays with the runner, and with the environment of ``ENVIRONMENT`` and ``FIXED``.
"""

import importlib.util
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from matrix.core.errors import ProbeCrashed
from matrix.core.result import Json
from matrix.probing.wire import (
    CHILD_CAP_BYTES,
    NUMBER,
    RUNNER_CAP_BYTES,
    BrokenWire,
    Frames,
    Message,
    decode,
    encode,
)

#: What a probe's process sees of our environment; everything else stays here.
ENVIRONMENT = ("PATH", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
FIXED = {
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
#: The same copy of our package as here, but nothing else from beside it: that may be a folder of
#: the user's, with files called like modules of Python.
BOOT = (
    "import sys; sys.path.insert(0, sys.argv[3]); import matrix; del sys.path[0]; "
    "sys.path.extend(sys.argv[4:]); "
    "from matrix.probing.server import main; main(int(sys.argv[1]), sys.argv[2])"
)
#: Packages the isolated interpreter must find, wherever this one has found them.
NEEDED = ("matrix", "pytest", "_pytest", "pluggy", "testinfra")
#: Importing pytest and testinfra takes under a second; a busy machine may need more.
START_SECONDS = 30.0
END_SECONDS = 5.0
CHUNK_BYTES = 256 * 1024
LOG_TAIL_BYTES = 2000


class ChildEnded(Exception):
    """The process has ended; ``status`` as subprocess gives it, None when it is not known."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        super().__init__(describe_status(status))


class ForkServer:
    """The process that forks, with a folder for everything its children need on disk."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mx-probing-"))
        self._lock = threading.Lock()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-I", "-B", "-c", BOOT, *self._arguments(theirs)],
                env=child_environment(os.environ),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                cwd="/",
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether children can be asked for."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def spawn(self) -> "Child":
        """A new child, waiting for its job; raises ProbeCrashed when none can be had."""
        ours, theirs = socket.socketpair()
        status, written = os.pipe()
        with theirs:
            self._ask(theirs.fileno(), written)
        os.close(written)
        pid = _read_number(status, seconds=START_SECONDS)
        if pid is None:
            os.close(status)
            ours.close()
            raise ProbeCrashed(f"no process for probes could be started: {self._said()}")
        return Child(pid=pid, pipe=ours, status=status)

    def close(self) -> None:
        """End it and every child, and remove the folder."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self._process.kill()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ask(self, pipe: int, status: int) -> None:
        # When it is gone, the end of the status pipe says so.
        with self._lock, suppress(OSError):
            socket.send_fds(self._control, [b"f"], [pipe, status])

    def _arguments(self, theirs: socket.socket) -> list[str]:
        return [str(theirs.fileno()), str(self.folder), *_needed_paths()]

    def _said(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - LOG_TAIL_BYTES))
        return self._log.read().decode("utf-8", "backslashreplace").strip() or "it said nothing"


class Child:
    """One process that runs probes, seen from the runner; nothing it sends is trusted."""

    def __init__(self, *, pid: int, pipe: socket.socket, status: int) -> None:
        self.pid = pid
        self._pipe = pipe
        self._status = status
        self._frames = Frames(cap_bytes=CHILD_CAP_BYTES)
        self._outgoing = bytearray()
        #: Whether its end is known; its number may then belong to somebody else.
        self._ended = False
        pipe.setblocking(False)
        self._poll = select.poll()
        self._poll.register(pipe, select.POLLIN)
        self._poll.register(status, select.POLLIN)

    def send(self, message: Mapping[str, Json]) -> None:
        """Queue a message; it is written while receiving. Raises BrokenWire.

        Never blocks, so a child that does not read cannot hold up the runner.
        """
        if len(self._outgoing) > RUNNER_CAP_BYTES:
            raise BrokenWire("it asks but does not read the answers")
        self._outgoing += encode(message, cap_bytes=RUNNER_CAP_BYTES)
        self._write()

    def receive(self, *, seconds: float) -> Message | None:
        """The next message, None when none is complete in time; raises ChildEnded, BrokenWire."""
        until = time.monotonic() + seconds
        while (body := self._frames.take()) is None:
            left = until - time.monotonic()
            wanted = select.POLLIN | (select.POLLOUT if self._outgoing else 0)
            self._poll.modify(self._pipe, wanted)
            ready = dict(self._poll.poll(max(0.0, left) * 1000))
            if not ready:
                return None
            self._serve(ready)
        return decode(body)

    def kill(self) -> None:
        """Kill it with everything it has started; safe to repeat."""
        for kill in () if self._ended else (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill it, wait until it is gone, let go of its pipes."""
        self.kill()
        self._wait(seconds=END_SECONDS)
        self._pipe.close()
        os.close(self._status)

    def _serve(self, ready: Mapping[int, int]) -> None:
        events = ready.get(self._pipe.fileno(), 0)
        if events & select.POLLOUT:
            self._write()
        if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            self._read()
        elif self._status in ready:
            # All that it had sent is read: the pipe is only still open in what it left behind.
            raise ChildEnded(self._wait(seconds=0))

    def _read(self) -> None:
        data = b""
        with suppress(ConnectionResetError):
            data = self._pipe.recv(CHUNK_BYTES)
        if not data:
            raise ChildEnded(self._wait(seconds=END_SECONDS))
        self._frames.feed(data)

    def _wait(self, *, seconds: float) -> int | None:
        status = _read_number(self._status, seconds=0 if self._ended else seconds)
        self._ended = self._ended or status is not None
        return status

    def _write(self) -> None:
        # A broken pipe is noticed when reading, after what was sent before it broke.
        with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self._outgoing:
                sent = self._pipe.send(memoryview(self._outgoing)[:CHUNK_BYTES])
                del self._outgoing[:sent]


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a probe's process is given of *environment*."""
    kept = {name: environment[name] for name in ENVIRONMENT if name in environment}
    return {"PATH": os.defpath, "TZ": "UTC", **kept, **FIXED}


def describe_status(status: int | None) -> str:
    """How a process has ended, in words."""
    if status is None:
        return "does not answer any more, or the process that had started it was killed"
    if status < 0:
        return f"was ended by signal {-status} ({signal.Signals(-status).name})"
    return f"has ended by itself with exit status {status}"


def _needed_paths() -> list[str]:
    """Folders that hold the packages of NEEDED, the first one that with ``matrix``."""
    specs = [importlib.util.find_spec(name) for name in NEEDED]
    origins = [Path(spec.origin).resolve() for spec in specs if spec and spec.origin]
    folders = [
        origin.parent.parent if origin.name == "__init__.py" else origin.parent
        for origin in origins
    ]
    # Ours is looked into for ours alone, so it comes once more where others lie beside it.
    ours, *theirs = (str(folder) for folder in folders)
    return [ours, *dict.fromkeys(theirs)]


def _read_number(fd: int, *, seconds: float) -> int | None:
    """A number from the process that forks; None at its end or when nothing comes in time."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if not poll.poll(seconds * 1000):
        return None
    data = os.read(fd, NUMBER.size)
    return int(NUMBER.unpack(data)[0]) if len(data) == NUMBER.size else None
