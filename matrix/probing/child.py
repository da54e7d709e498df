"""The process that runs the probes of one cell, from its job to its end.

Standard output and error lead nowhere; what a probe prints is kept up to a cap and goes with its
report. The process has one pipe, to the runner.
"""

import os
import socket
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import pytest

from matrix.core.result import Json
from matrix.probing.explain import cut
from matrix.probing.plugin import CollectPlugin, RunPlugin
from matrix.probing.spool import Spool, open_text
from matrix.probing.wire import (
    CHILD_CAP_BYTES,
    RUNNER_CAP_BYTES,
    Frames,
    Message,
    decode,
    encode,
)

CHUNK_BYTES = 256 * 1024
INI = Path(__file__).with_name("pytest.ini")
#: Left out because they write files, look outside, or cost time in every process.
BLOCKED = (
    "cacheprovider",
    "debugging",
    "doctest",
    "faulthandler",
    "junitxml",
    "logging",
    "pastebin",
    "stepwise",
    "threadexception",
    "unraisableexception",
)
PLUGINS: dict[str, type[CollectPlugin] | type[RunPlugin]] = {
    "collect": CollectPlugin,
    "run": RunPlugin,
}


class Pipe:
    """The child's end of its pipe."""

    def __init__(self, pipe: socket.socket) -> None:
        self._pipe = pipe
        self._frames = Frames(cap_bytes=RUNNER_CAP_BYTES)
        self._turn = threading.Lock()
        self._pid = os.getpid()

    def send(self, message: Message) -> None:
        """Send one message; a process that a probe has forked off ends here."""
        if os.getpid() != self._pid:
            os._exit(0)
        self._pipe.sendall(encode(message, cap_bytes=CHILD_CAP_BYTES))

    def ask(self, message: Message) -> Message:
        """Send one message and wait for the answer to it; threads of a probe take turns."""
        with self._turn:
            self.send(message)
            return self.receive()

    def receive(self) -> Message:
        """The next message; the process ends when the runner is gone."""
        while (body := self._frames.take()) is None:
            data = self._pipe.recv(CHUNK_BYTES)
            if not data:
                os._exit(0)
            self._frames.feed(data)
        return decode(body)


class LastWords:
    """Tells the runner when our own code, not a probe's, has failed in this process."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        if error is not None:
            words = "".join(traceback.format_exception(kind, error, frames))
            self._pipe.send({"kind": "quit", "reason": "self", "message": cut(words)})


def run(connection: socket.socket) -> NoReturn:
    """Receive one job, do it, end."""
    pipe = Pipe(connection)
    with LastWords(pipe):
        _do(pipe.receive(), pipe)
    os._exit(0)


def _do(job: Message, pipe: Pipe) -> None:
    """A job: mode "run" or "collect", root, files, and for "run" planned, nonce, metadata."""
    root = Path(str(job["root"]))
    _settle(root)
    said = Spool()
    sys.stdout = sys.stderr = open_text(said)
    plugin: CollectPlugin | RunPlugin = PLUGINS[str(job["mode"])](job, pipe)
    code = pytest.main(_arguments(root, job["files"]), plugins=[plugin])
    sys.stdout.flush()
    plugin.finish(int(code), said.text())


def _settle(root: Path) -> None:
    """Make *root* the only place this process works in."""
    scratch = root / "tmp"
    scratch.mkdir()
    os.chdir(root)
    os.environ["TMPDIR"] = str(scratch)
    tempfile.tempdir = None
    sys.argv = ["pytest"]


def _arguments(root: Path, files: Json) -> list[str]:
    assert isinstance(files, list)  # noqa: S101 - the runner's own words
    return [
        f"-c{INI}",
        f"--rootdir={root}",
        f"--confcutdir={root}",
        f"--basetemp={root / 'tmp' / 'pytest'}",
        "--import-mode=importlib",
        "--strict-markers",
        "--capture=no",
        "--color=no",
        "--no-header",
        "-qq",
        *(f"-pno:{name}" for name in BLOCKED),
        *(str(root / str(file)) for file in files),
    ]
