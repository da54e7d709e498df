"""A machine reached by SSH."""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import paramiko

from matrix.core.errors import (
    AuthRefused,
    ConnectionLost,
    DeadlineExceeded,
    EngineError,
    EngineUnavailable,
    HostError,
    HostKeyRefused,
    NegotiationFailed,
    Unreachable,
)
from matrix.core.model import Carrier, Host, SshAddress
from matrix.hosts.carrier import Carried, carry
from matrix.hosts.channel import ChannelStream
from matrix.hosts.commands import dial_argv, login_line, socket_path
from matrix.hosts.deadline import Deadline
from matrix.hosts.login import Login, log_in

#: SSH connections to one host at most.
LINES = 2
#: Seconds a connection that refused a session is left alone.
REFUSED_SECONDS = 0.3


class _Line:
    """One SSH connection, and the sessions open on it."""

    def __init__(self, login: Login, *, max_sessions: int) -> None:
        self.login = login
        self.sessions: set[paramiko.Channel] = set()
        self._max_sessions = max_sessions
        self._refused_until = 0.0
        self._hastened = False

    @property
    def alive(self) -> bool:
        return self.login.transport.is_active()

    def has_room(self) -> bool:
        self.sessions = {channel for channel in self.sessions if not channel.closed}
        return len(self.sessions) < self._max_sessions and time.monotonic() > self._refused_until

    def open_session(self, command: str, deadline: Deadline) -> paramiko.Channel | None:
        """A channel running *command*; None when the host has no room for one more."""
        transport = self.login.transport
        with transport.opening:
            try:
                channel = transport.open_exec(command, timeout=deadline.remaining())
            except paramiko.ChannelException:
                # sshd counts a session until its last process is gone, whatever we have closed.
                self._refused_until = time.monotonic() + REFUSED_SECONDS
                return None
            except (paramiko.SSHException, EOFError, OSError) as error:
                self.login.close()
                raise ConnectionLost(f"the SSH connection broke: {error!r}") from error
        self.sessions.add(channel)
        self._hastened = True
        return channel

    def hasten(self, deadline: Deadline) -> None:
        """Make sshd send small answers at once: it turns Nagle's algorithm off for its side of
        the connection when the first session starts a command. Without, an answer in two pieces
        takes 40 ms."""
        if not self._hastened:
            self.open_session("exit", deadline)
            self._hastened = True

    def open_socket(self, path: str, deadline: Deadline) -> paramiko.Channel:
        """A channel to a unix socket on the host; raises EngineUnavailable when refused."""
        transport = self.login.transport
        with transport.opening:
            try:
                return transport.open_streamlocal(path, timeout=deadline.remaining())
            except paramiko.ChannelException as error:
                raise EngineUnavailable(
                    f"sshd opens no channel to {path} ({error}): forwarding is forbidden there,"
                    " the account may not use the socket, or nothing listens on it"
                ) from error
            except (paramiko.SSHException, EOFError, OSError) as error:
                self.login.close()
                raise ConnectionLost(f"the SSH connection broke: {error!r}") from error


class SshConnection:
    """At most two SSH connections to one host, and streams over them.

    The first is made at once, the second when the first has no session left. One that broke is
    replaced when it is next needed, its streams are lost. A call ends within
    *deadline_seconds*, one that waits for a free session within twice that. A host that refused
    us is not asked again.
    """

    def __init__(
        self, host: Host, *, workspace: Path, engine: str, deadline_seconds: float
    ) -> None:
        if host.ssh is None:
            raise HostError(f"{host.name}: connection ssh needs an address in the inventory")
        self._host = host
        self._address: SshAddress = host.ssh
        self._workspace = workspace
        self._engine = engine
        self._seconds = deadline_seconds
        self._lines: list[_Line] = []
        self._changed = threading.Condition()
        self._connecting = threading.Lock()
        self._refusal: HostError | None = None
        self._carried: Carried | None = None
        self._carrying = threading.Lock()
        self._closed = False
        #: In the environment of all that runs over it, so that the tether can end our lines.
        self._mark = secrets.token_hex(8)
        self._add_line(self._deadline("login"))

    def open_stream(self, argv: Sequence[str]) -> ChannelStream:
        """Start *argv* through the account's login shell, whichever that is.

        Raises ConnectionLost, the errors of logging in, and DeadlineExceeded when all sessions
        the host allows are in use. That there is no such program shows as exit status 127.
        """
        waiting = self._deadline(f"a free session for {argv[0]}")
        nonce = secrets.token_hex(16)
        command = login_line(["env", f"MATRIX_LINK={self._mark}", *argv], nonce)
        while True:
            line = self._line_with_room(waiting)
            # With what is left of the wait a slow answer would look like a broken connection.
            channel = line.open_session(command, self._deadline(f"a session for {argv[0]}"))
            if channel:
                return self._stream(channel, nonce.encode())

    def engine_socket(self) -> Path:
        """A socket on this machine that carries the engine's API; see Carrier.

        Raises EngineUnavailable, AuthRefused when sudo asks for a password or the account may not
        use the engine, and what ``open_stream`` raises.
        """
        with self._carrying:
            if self._carried is None:
                self._carried = self._carry()
            return self._carried.path

    def close(self) -> None:
        """Let go of the machine and of every stream."""
        self._closed = True
        if self._carried:
            self._carried.close()
        with self._changed:
            lines, self._lines = self._lines, []
            self._changed.notify_all()
        for line in lines:
            line.login.close()

    def _deadline(self, what: str) -> Deadline:
        return Deadline.after(self._seconds, what=f"{self._host.name}: {what}")

    def _stream(self, channel: paramiko.Channel, nonce: bytes) -> ChannelStream:
        return ChannelStream(channel, nonce=nonce, where=self._host.name, freed=self._free)

    def _free(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _line_with_room(self, deadline: Deadline) -> _Line:
        """A connection with a session to spare, made if need be; waits until there is one."""
        while True:
            with self._changed:
                line = self._find_line()
                if line is None and len(self._lines) >= LINES:
                    # A command that ends by itself tells nobody, so look again now and then.
                    self._changed.wait(min(0.2, self._remaining(deadline)))
                    continue
            if line:
                return line
            self._add_line(deadline)

    def _find_line(self) -> _Line | None:
        if self._closed:
            raise ConnectionLost(f"{self._host.name}: the connection was closed")
        self._lines = [line for line in self._lines if line.alive]
        return next((line for line in self._lines if line.has_room()), None)

    def _remaining(self, deadline: Deadline) -> float:
        try:
            return deadline.remaining()
        except DeadlineExceeded as error:
            raise DeadlineExceeded(
                f"{error}: all sessions of {LINES} SSH connections are in use; raise MaxSessions"
                " in the host's sshd_config or run fewer cells at once there"
            ) from error

    def _add_line(self, deadline: Deadline) -> None:
        """One more connection, unless another thread just made one with room."""
        if not self._connecting.acquire(timeout=deadline.remaining()):
            raise DeadlineExceeded(f"{self._host.name}: another login takes too long")
        try:
            with self._changed:
                if self._find_line() or len(self._lines) >= LINES:
                    return
            line = _Line(self._log_in(deadline), max_sessions=self._host.max_sessions)
        finally:
            self._connecting.release()
        with self._changed:
            if not self._closed:
                self._lines.append(line)
                self._changed.notify_all()
                return
        line.login.close()

    def _log_in(self, deadline: Deadline) -> Login:
        if self._refusal:
            raise self._refusal
        try:
            return log_in(self._address, deadline=deadline)
        except (AuthRefused, HostKeyRefused, NegotiationFailed) as error:
            # Asking again changes nothing, and gets us banned.
            self._refusal = error
            raise
        except DeadlineExceeded as error:
            raise Unreachable(f"{self._host.name}: no login in time") from error

    def _carry(self) -> Carried:
        if self._host.carrier is Carrier.STREAMLOCAL:
            return self._carry_by(self._dial_socket)
        if self._host.carrier is Carrier.DIAL_STDIO or self._host.engine_sudo:
            return self._carry_by(self._dial_program)
        try:
            return self._carry_by(self._dial_socket)
        except EngineError as error:
            try:
                return self._carry_by(self._dial_program)
            except EngineError as second:
                raise EngineUnavailable(f"{second}; before that: {error}") from second

    def _carry_by(self, dial: Callable[[], ChannelStream]) -> Carried:
        return carry(dial, workspace=self._workspace, where=self._host.name)

    def _dial_socket(self) -> ChannelStream:
        """By a channel that is no session, so there is always room for it."""
        deadline = self._deadline("a channel to the engine")
        path = socket_path(self._engine, self._host.engine_socket)
        with self._changed:
            self._find_line()
            line = self._lines[0] if self._lines else None
        if line is None:
            self._add_line(deadline)
            line = self._line_with_room(deadline)
        line.hasten(deadline)
        return self._stream(line.open_socket(path, deadline), b"")

    def _dial_program(self) -> ChannelStream:
        """By the engine's program, in a session."""
        sudo = self._host.engine_sudo
        return self.open_stream(dial_argv(self._engine, self._host.engine_socket, sudo=sudo))
