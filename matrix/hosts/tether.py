"""The guard on a host that removes what is ours when we die or are cut off."""

import shlex
import threading
import time

from matrix.core.errors import (
    ConnectionLost,
    DeadlineExceeded,
    EngineLost,
    HostError,
    MatrixError,
    ToolMissing,
)
from matrix.core.names import LABEL_TETHER
from matrix.core.ports import STDOUT, Connection
from matrix.hosts.commands import dial_argv, engine_argv
from matrix.hosts.deadline import Deadline
from matrix.hosts.refusals import refusal
from matrix.hosts.scripts import script

#: Seconds the guard has to say that it is there.
START_SECONDS = 20.0
#: Seconds the guard is given to clean up after a farewell.
CLOSE_SECONDS = 30.0
#: Seconds one command of the engine may take on the host.
ENGINE_SECONDS = 60
#: Seconds more than two beats that we wait for an answer.
GRACE_SECONDS = 2.0
#: Seconds listened at a time, and what a look may come late by on any machine.
LOOK_SECONDS = 0.5
LATE_SECONDS = 0.1
#: The most of one line from the host that is looked at.
LINE_BYTES = 4096
_END = "END OF TETHER"
#: Takes the script from its input line by line, so that what follows is left for the script.
_BOOT = f"""t=
while IFS= read -r l && [ "$l" != "{_END}" ]; do t="$t$l
"; done
[ "$l" = "{_END}" ] && eval "$t"
"""


class Tether:
    """A POSIX shell script on the host, with our heartbeat as its input. No file is made there.

    It answers each beat. When none comes for *silence_seconds*, or its input ends, it removes the
    containers (with their anonymous volumes), networks and volumes that carry the label
    ``io.compat-matrix.tether=<run>`` with the *engine*'s own program, ends the processes that have
    ``MATRIX_RUN=<run>`` in their environment, and exits. *run* may be any text that is ours alone:
    a run has one for each time it opened a host.

    The connection is closed when the host was silent for two beats and two seconds, so that no
    call waits for it any longer; a machine of ours that stood still meanwhile has not listened,
    and that time does not count. The constructor waits for the guard; it raises ToolMissing,
    AuthRefused, EngineUnavailable, or what the connection raises.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        run: str,
        engine: str,
        sudo: bool,
        silence_seconds: float = 10,
        beat_seconds: float = 3,
        engine_socket: str = "",
    ) -> None:
        self._connection = connection
        self._beat_seconds = beat_seconds
        self._patience = 2 * beat_seconds + GRACE_SECONDS
        self._fault: MatrixError | None = None
        self._leaving = threading.Event()
        self._sending = False
        self._text = b""
        script = _script(engine, engine_socket, run=run, sudo=sudo, silence=silence_seconds)
        self._stream = connection.open_stream(["env", f"MATRIX_TETHER={run}", "sh", "-c", _BOOT])
        try:
            self._stream.send(f"{script}{_END}\n".encode())
            self._wait_until_ready(engine)
        except BaseException:
            self._stream.close()
            raise
        self._heard = time.monotonic()
        self._thread = threading.Thread(target=self._keep_beating, name="tether", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raises ConnectionLost when the host was silent for too long or the guard has ended,
        EngineLost when the engine went away since the guard was started."""
        if self._fault:
            raise self._fault
        # A line that takes no more bytes keeps the thread from finding out.
        if self._sending and self._too_silent():
            raise ConnectionLost(self._silence())

    def close(self) -> None:
        """Let the guard remove what is left and wait for its end; never raises."""
        if not self._leaving.is_set():
            self._leaving.set()
            if self._thread.is_alive():
                try:
                    self._stream.send(b"bye\n")
                    self._thread.join(CLOSE_SECONDS)
                except MatrixError:
                    pass  # it sees the end of its input instead
        self._stream.close()

    def _too_silent(self) -> bool:
        return time.monotonic() - self._heard > self._patience

    def _silence(self) -> str:
        return f"the host gave no sign of life for {self._patience:g} seconds"

    def _wait_until_ready(self, engine: str) -> None:
        deadline = Deadline.after(START_SECONDS, what="start of the tether")
        while b"\n" not in self._text:
            chunk = self._stream.receive(deadline_seconds=deadline.remaining())
            if chunk is None:
                raise HostError("the tether ended before it had begun")
            if chunk.source == STDOUT:
                self._text = (self._text + chunk.data)[:LINE_BYTES]
        answer, _, self._text = self._text.partition(b"\n")
        word, _, rest = answer.decode("utf-8", "backslashreplace").partition(" ")
        if word == "missing":
            raise ToolMissing(
                f"the host has no {rest}, which the tether needs to clean up when we are cut off"
            )
        if word != "ready":
            raise refusal(f"the tether cannot use {engine}", rest)

    def _keep_beating(self) -> None:
        due = time.monotonic()
        try:
            while not self._too_silent() or self._leaving.is_set():
                if time.monotonic() >= due and not self._leaving.is_set():
                    self._beat()
                    due = time.monotonic() + self._beat_seconds
                if not self._listen(min(LOOK_SECONDS, max(0.01, due - time.monotonic()))):
                    raise ConnectionLost("the tether on the host has ended")
        except MatrixError as error:
            self._fault = self._fault or error
            return
        self._fault = self._fault or ConnectionLost(self._silence())
        self._connection.close()

    def _beat(self) -> None:
        self._sending = True
        self._stream.send(b"beat\n")
        self._sending = False

    def _listen(self, seconds: float) -> bool:
        """Take what the guard says within *seconds*; False at its end."""
        began = time.monotonic()
        try:
            # After a farewell only its end is waited for, which closing the stream cuts short.
            chunk = self._stream.receive(
                deadline_seconds=CLOSE_SECONDS if self._leaving.is_set() else seconds
            )
        except DeadlineExceeded:
            late = time.monotonic() - began - seconds
            self._heard += late if late > LATE_SECONDS else 0.0
            return True
        if chunk is None:
            return False
        if chunk.source == STDOUT:
            self._heard = time.monotonic()
            *lines, rest = (self._text + chunk.data).split(b"\n")
            self._text = rest[-LINE_BYTES:]
            if b"engine-lost" in lines and not self._leaving.is_set():
                self._fault = self._fault or EngineLost()
        return True


def _script(engine: str, socket: str, *, run: str, sudo: bool, silence: float) -> str:
    """The script with its settings, quoted by construction."""
    words = engine_argv(engine, socket, sudo=sudo)
    patience = ("timeout", "-s", "KILL", str(ENGINE_SECONDS))
    settings = {
        "token": run,
        "label": f"{LABEL_TETHER}={run}",
        "silence": f"{silence:g}",
        "program": words[2] if sudo else words[0],
        "services": "service" if engine == "swarm" else "",
    }
    return "".join(
        [
            *(f"{name}={shlex.quote(value)}\n" for name, value in settings.items()),
            f'engine() {{ {shlex.join((*patience, *words))} "$@"; }}\n',
            f"dial() {{ {shlex.join(dial_argv(engine, socket, sudo=sudo))}; }}\n",
            script("marked", "tether"),
        ]
    )
