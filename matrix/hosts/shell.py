"""One shell kept open on any stream, through which many commands are sent."""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable

from matrix.core.errors import ConnectionLost, DeadlineExceeded, MatrixError, ProbeCodeError
from matrix.core.ports import STDOUT, Stream
from matrix.core.result import CommandResult
from matrix.hosts.deadline import Deadline
from matrix.hosts.framing import Capture, Frame, frame
from matrix.hosts.scripts import script

#: Bytes of each output that are kept of one command.
CAP_BYTES = 1024 * 1024
#: Seconds that a new shell has to answer.
START_SECONDS = 15.0
#: Seconds given to killing a command that ran past its deadline.
KILL_SECONDS = 5.0
#: Seconds a shell that is no longer needed has to end by itself.
END_SECONDS = 1.0


class _Session:
    """One running ``sh``, with a token in the environment of all that it starts."""

    def __init__(self, stream: Stream, deadline: Deadline) -> None:
        self.stream = stream
        self.token = secrets.token_hex(16)
        # ``exec`` makes the token part of the environment as /proc shows it, for this shell and
        # its forks too. Nothing is sent until the mark has come: the first shell may read ahead.
        mark = f"printf '%s%s<\\n' {self.token[:16]} {self.token[16:]}"
        line = f'export MATRIX_SHELL={self.token};: </dev/null;{mark};exec "$0"\n'
        # A shell that ended at once takes nothing; what it said before tells why.
        with contextlib.suppress(ConnectionLost):
            self.stream.send(line.encode())
        self._await(f"{self.token}<\n".encode(), deadline)

    def _await(self, mark: bytes, deadline: Deadline) -> None:
        seen, complaint = b"", Capture(2000)
        while mark not in seen:
            chunk = self.stream.receive(deadline_seconds=deadline.remaining())
            if chunk is None:
                said = complaint.content().decode("utf-8", "backslashreplace").strip()
                raise ConnectionLost(f"the shell ended before it answered: {said or 'no word'}")
            if chunk.source == STDOUT:
                seen = seen[-len(mark) :] + chunk.data
            else:
                complaint.add(chunk.data)

    def idle(self) -> bool:
        """Whether nothing has come since the last command, and the shell is still there."""
        try:
            self.stream.receive(deadline_seconds=0)
        except DeadlineExceeded:
            return True
        return False


class KeptShell:
    """A Shell over any Stream: a local process, an SSH channel, an exec in a container.

    *stream_factory* starts ``sh`` with its standard input open; it is called for the first command,
    again whenever the shell has to be replaced, and for the short-lived second shell that kills
    what ran past its deadline. Needs a POSIX ``sh`` (dash, bash, busybox ash) and /dev/null.

    A shell is replaced, so that bytes of one command never reach the next, when a command left
    a child in the background, when that cannot be known, or when bytes came that belong to
    nobody. Such children live on until ``close``. What a child started by a child prints at the
    very moment the next command runs cannot be told apart from that command's output.

    At the deadline everything with the shell's token in its environment is killed, with all
    descendants, by walking /proc in a second shell. Where there is no /proc or no ``grep``, or
    the second shell cannot be opened, the command is let go of instead.
    """

    def __init__(self, stream_factory: Callable[[], Stream]) -> None:
        self._open = stream_factory
        self._session: _Session | None = None
        self._one_at_a_time = threading.Lock()
        #: Tokens of replaced shells that may have left children.
        self._left: list[str] = []

    def run(
        self, command: str, *, deadline_seconds: float, cap_bytes: int = CAP_BYTES
    ) -> CommandResult:
        """Run *command*; see ports.Shell. The time to start a shell counts.

        Raises DeadlineExceeded, ConnectionLost when the shell ends without having told the exit
        status, and whatever the stream raises.
        """
        if "\0" in command:
            raise ProbeCodeError("a shell command cannot hold a NUL byte")
        began = time.monotonic()
        deadline = Deadline.after(deadline_seconds, what=f"command {command[:200]!r}")
        with self._one_at_a_time:
            out, err = self._attempt(command, deadline, cap_bytes)
        return CommandResult(
            command=command,
            exit_status=_known(out.status),
            stdout=out.captured.content(),
            stderr=err.captured.content(),
            stdout_bytes=out.captured.total,
            stderr_bytes=err.captured.total,
            seconds=time.monotonic() - began,
        )

    def close(self) -> None:
        """End the shell, and kill what its commands left behind; never raises."""
        session, self._session = self._session, None
        if session:
            self._end(session)
        left, self._left = self._left, []
        for token in left:
            with contextlib.suppress(MatrixError):
                self._kill(token)

    def _end(self, session: _Session) -> None:
        """Let the shell end by itself before its stream is closed, unless a command runs in it.

        One inside a container that is frozen before it has seen the end of its input would hold
        on to what carries it, an SSH session for one, until the container goes on.
        """
        if self._one_at_a_time.acquire(blocking=False):
            deadline = Deadline.after(END_SECONDS, what="end of the shell")
            with contextlib.suppress(MatrixError):
                session.stream.send(b"exit\n")
                while session.stream.receive(deadline_seconds=deadline.remaining()):
                    pass
            self._one_at_a_time.release()
        session.stream.close()

    def _attempt(self, command: str, deadline: Deadline, cap_bytes: int) -> tuple[Frame, Frame]:
        session = self._ready(deadline)
        nonce = secrets.token_hex(16)
        out, err = Frame(nonce, cap_bytes=cap_bytes), Frame(nonce, cap_bytes=cap_bytes)
        try:
            session.stream.send(frame(command, nonce))
            _collect(session.stream, out, err, deadline)
        except DeadlineExceeded as error:
            self._abandon(session)
            # The stream knows how long it was silent, not how long the command took.
            raise DeadlineExceeded(f"{deadline.what}: not done in time") from error
        except MatrixError:
            self._drop(session)
            raise
        if not out.clean or out.stray_bytes or err.stray_bytes:
            self._left.append(session.token)
            self._drop(session)
        return out, err

    def _ready(self, deadline: Deadline) -> _Session:
        """The shell to use for the next command."""
        if self._session and not self._session.idle():
            self._left.append(self._session.token)
            self._drop(self._session)
        if not self._session:
            stream = self._open()
            try:
                start = Deadline.after(
                    min(START_SECONDS, deadline.remaining()), what="start of a shell"
                )
                self._session = _Session(stream, start)
            except MatrixError:
                stream.close()
                raise
        return self._session

    def _drop(self, session: _Session) -> None:
        session.stream.close()
        self._session = None

    def _abandon(self, session: _Session) -> None:
        """Kill what runs in the session; a lost connection is worth more than our deadline."""
        try:
            if not self._kill(session.token):
                self._left.append(session.token)
        except DeadlineExceeded:
            self._left.append(session.token)
        finally:
            self._drop(session)

    def _kill(self, token: str) -> bool:
        """Kill all that carries *token*; whether nothing of it is left."""
        deadline = Deadline.after(KILL_SECONDS, what="killing a command past its deadline")
        done = secrets.token_hex(16)
        stream = self._open()
        try:
            stream.send(f"token={token}\ndone={done}\n{script('marked', 'kill')}exit\n".encode())
            seen = b""
            while b".\n" not in seen.partition(done.encode())[2]:
                chunk = stream.receive(deadline_seconds=deadline.remaining())
                if chunk is None:
                    return False
                if chunk.source == STDOUT:
                    seen += chunk.data
        finally:
            stream.close()
        return f"{done}.".encode() in seen


def _collect(stream: Stream, out: Frame, err: Frame, deadline: Deadline) -> None:
    while not (out.done and err.done):
        chunk = stream.receive(deadline_seconds=deadline.remaining())
        if chunk is None:
            raise ConnectionLost("the shell ended in the middle of a command")
        (out if chunk.source == STDOUT else err).feed(chunk.data)


def _known(status: int | None) -> int:
    if status is None:
        raise ConnectionLost("the shell told no exit status")
    return status
