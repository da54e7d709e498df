"""A stream over one SSH channel."""

import contextlib
import threading
from collections.abc import Callable

import paramiko

from matrix.core.errors import ConnectionLost, DeadlineExceeded, HostError
from matrix.core.ports import STDERR, STDOUT, Chunk
from matrix.hosts.deadline import Deadline

#: Largest piece a stream gives.
CHUNK_BYTES = 65536
#: Seconds the host may refuse to take what is sent to it.
SEND_SECONDS = 60.0
#: Bytes of noise kept to explain why a command never started.
_NOISE_BYTES = 500


class Preamble:
    """Drops what comes before a nonce: the noise of start-up files. Pure."""

    def __init__(self, nonce: bytes) -> None:
        self.passed = not nonce
        #: The last of what was dropped.
        self.noise = b""
        self._nonce = nonce

    def strip(self, data: bytes) -> bytes:
        """What of *data* comes after the nonce."""
        if self.passed:
            return data
        self.noise += data
        at = self.noise.find(self._nonce)
        if at < 0:
            self.noise = self.noise[-_NOISE_BYTES:]
            return b""
        self.passed = True
        return self.noise[at + len(self._nonce) :]


class ChannelStream:
    """Bytes to and from one channel; *nonce* is b"" for a channel that no shell stands before."""

    def __init__(
        self, channel: paramiko.Channel, *, nonce: bytes, where: str, freed: Callable[[], None]
    ) -> None:
        channel.settimeout(SEND_SECONDS)
        self._channel = channel
        self._where = where
        self._freed = freed
        self._closed = False
        self._preambles = {STDOUT: Preamble(nonce), STDERR: Preamble(nonce)}
        self._arrived = threading.Event()
        channel.in_buffer.set_event(self._arrived)
        channel.in_stderr_buffer.set_event(self._arrived)

    def send(self, data: bytes) -> None:
        try:
            self._channel.sendall(data)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise ConnectionLost(f"{self._where}: cannot send: {error!r}") from error

    def end_input(self) -> None:
        """Let the command see the end of its input; never raises."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.shutdown_write()

    def receive(self, *, deadline_seconds: float) -> Chunk | None:
        deadline = Deadline.after(deadline_seconds, what=self._where)
        while True:
            # Whether it has ended is asked first: data may come in between, but none after.
            ended = self._channel.closed or self._channel.eof_received
            source = self._source()
            if source:
                chunk = self._take(source)
                if chunk:
                    return chunk
            elif ended:
                self._check_end()
                return None
            else:
                self._wait(deadline)

    def _source(self) -> int:
        """The output that has something to read, 0 for none."""
        if self._channel.recv_ready():
            return STDOUT
        return STDERR if self._channel.recv_stderr_ready() else 0

    def _take(self, source: int) -> Chunk | None:
        read = self._channel.recv if source == STDOUT else self._channel.recv_stderr
        try:
            data = self._preambles[source].strip(read(CHUNK_BYTES))
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise ConnectionLost(f"{self._where}: {error!r}") from error
        return Chunk(source=source, data=data) if data else None

    def _wait(self, deadline: Deadline) -> None:
        self._arrived.clear()
        if self._source() or self._channel.closed or self._channel.eof_received:
            return
        if deadline.passed or not self._arrived.wait(deadline.remaining()):
            raise DeadlineExceeded(f"{self._where}: nothing came in time")

    def _check_end(self) -> None:
        """Tell the end of a command from the end of the connection."""
        if self._closed:
            raise ConnectionLost(f"{self._where}: the stream was closed")
        # A transport that dies closes its channels without either of these.
        if not self._channel.eof_received and self._channel.exit_status == -1:
            raise ConnectionLost(f"{self._where}: the connection broke")
        preamble = self._preambles[STDOUT]
        if not preamble.passed:
            noise = preamble.noise + self._preambles[STDERR].noise
            said = noise.decode("utf-8", "backslashreplace").strip()
            raise HostError(f"{self._where}: the login shell runs no commands: {said or 'no word'}")

    def close(self) -> None:
        self._closed = True
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()
        self._freed()
