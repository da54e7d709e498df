"""This machine: commands as child processes, without a shell between."""

import os
import select
import subprocess
import threading
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.core.errors import ConnectionLost, DeadlineExceeded, EngineUnavailable, ToolMissing
from matrix.core.model import Host
from matrix.core.ports import STDERR, STDOUT, Chunk
from matrix.hosts.carrier import Carried, carry
from matrix.hosts.commands import dial_argv, socket_path

#: Largest piece a stream gives.
CHUNK_BYTES = 65536
#: Seconds a command may refuse to take what is sent to it.
SEND_SECONDS = 60.0
#: What of our own environment a command gets: what a login would give, and no secrets of ours.
ENVIRONMENT_KEPT = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_RUNTIME_DIR",
)

#: Children that were let go of while they still ran; looked at again when another one starts.
_lingering: list[int] = []
_lingering_lock = threading.Lock()


def _reap() -> None:
    with _lingering_lock:
        _lingering[:] = [child for child in _lingering if not _has_ended(child)]


def _has_ended(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Leave a process to itself, without a zombie at its end or a warning before it."""
    if process.poll() is None:
        process.returncode = 0
        with _lingering_lock:
            _lingering.append(process.pid)


class LocalStream:
    """Bytes to and from one child process in a session of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("the process needs three pipes")
        self._process = process
        self._stdin: int | None = process.stdin.fileno()
        os.set_blocking(self._stdin, False)
        self._sources = {process.stdout.fileno(): STDOUT, process.stderr.fileno(): STDERR}
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._output = select.poll()
        for fd in (*self._sources, self._wake):
            self._output.register(fd, select.POLLIN)
        self._closed = False
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        self._closing = threading.Lock()

    def send(self, data: bytes) -> None:
        with self._sending:
            view = memoryview(data)
            while view:
                if self._stdin is None or self._closed:
                    raise ConnectionLost("the command's input is closed")
                view = view[self._write(self._stdin, view) :]

    def _write(self, fd: int, view: memoryview) -> int:
        try:
            return os.write(fd, view)
        except BlockingIOError:
            room = select.poll()
            room.register(fd, select.POLLOUT)
            room.register(self._wake, select.POLLIN)
            if not room.poll(SEND_SECONDS * 1000):
                raise ConnectionLost(
                    f"the command took nothing for {SEND_SECONDS:g} seconds"
                ) from None
            return 0
        except OSError as error:
            raise ConnectionLost("the command has ended") from error

    def end_input(self) -> None:
        """Let the command see the end of its input; never raises."""
        with self._sending:
            if self._stdin is not None and self._process.stdin:
                self._stdin = None
                self._process.stdin.close()

    def receive(self, *, deadline_seconds: float) -> Chunk | None:
        with self._receiving:
            while True:
                if self._closed:
                    raise ConnectionLost("the stream was closed")
                if not self._sources:
                    return None
                ready = self._output.poll(max(0.0, deadline_seconds) * 1000)
                if not ready:
                    raise DeadlineExceeded("the command printed nothing in time")
                chunk = self._read(fd for fd, _ in ready)
                if chunk:
                    return chunk

    def _read(self, ready: Iterable[int]) -> Chunk | None:
        for fd in ready:
            if fd not in self._sources:
                continue
            data = os.read(fd, CHUNK_BYTES)
            if data:
                return Chunk(source=self._sources[fd], data=data)
            self._output.unregister(fd)
            del self._sources[fd]
        return None

    def close(self) -> None:
        """Let go: the command sees the end of its input and nobody reads its output."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        os.eventfd_write(self._wake, 1)
        with self._sending, self._receiving:
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe:
                    pipe.close()
            os.close(self._wake)
        _let_go(self._process)


class LocalConnection:
    """The machine we run on; *engine* is the environment's engine."""

    def __init__(
        self, host: Host, *, workspace: Path, engine: str, deadline_seconds: float
    ) -> None:
        self._host = host
        self._workspace = workspace
        self._engine = engine
        self._streams: weakref.WeakSet[LocalStream] = weakref.WeakSet()
        self._carried: Carried | None = None
        self._closed = False

    def open_stream(self, argv: Sequence[str]) -> LocalStream:
        """Start *argv* in a session of its own, so that Ctrl-C is ours alone.

        Raises ToolMissing when there is no such program.
        """
        if self._closed:
            raise ConnectionLost("the connection to this machine was closed")
        _reap()
        try:
            process = subprocess.Popen(  # noqa: S603 - argv, never a shell
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env={key: os.environ[key] for key in ENVIRONMENT_KEPT if key in os.environ},
            )
        except OSError as error:
            raise ToolMissing(f"this machine cannot run {argv[0]}: {error.strerror}") from error
        stream = LocalStream(process)
        self._streams.add(stream)
        return stream

    def engine_socket(self) -> Path:
        """The engine's own socket, or one that carries it where ``sudo`` is needed.

        Raises EngineUnavailable, and AuthRefused when sudo asks for a password.
        """
        if self._host.engine_sudo:
            if self._carried is None:
                self._carried = carry(self._dial, workspace=self._workspace, where=self._host.name)
            return self._carried.path
        path = Path(socket_path(self._engine, self._host.engine_socket))
        if not path.is_socket():
            raise EngineUnavailable(
                f"{self._host.name}: no engine socket at {path}; start the engine, or name its"
                " socket in the inventory (engine_socket)"
            )
        return path

    def _dial(self) -> LocalStream:
        return self.open_stream(dial_argv(self._engine, self._host.engine_socket, sudo=True))

    def close(self) -> None:
        """Let go of every stream; a command that still runs sees the end of its input."""
        self._closed = True
        if self._carried:
            self._carried.close()
        for stream in list(self._streams):
            stream.close()
