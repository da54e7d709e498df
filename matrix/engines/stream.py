"""A command's input and outputs over a connection that the engine has handed over."""

import select
import time
from collections.abc import Callable

from matrix.core.errors import DeadlineExceeded, EngineLost, MatrixError
from matrix.core.ports import Chunk
from matrix.engines.frames import CHUNK_BYTES, Frames
from matrix.engines.wire import DeadlineSocket

#: What is remembered of the beginning of the output.
FIRST_BYTES = 500


class FrameStream:
    """``ports.Stream`` over one socket; one thread may send while another receives.

    The connection ends just as cleanly when the engine is killed as when the command ends, so
    *confirm_end* is asked then, with the first bytes that came: it returns when the command has
    really ended and raises EngineLost or ContainerLost when not.
    """

    def __init__(
        self,
        sock: DeadlineSocket,
        head: bytes,
        *,
        confirm_end: Callable[[bytes], None],
    ) -> None:
        self._sock = sock
        self._frames = Frames()
        self._frames.feed(head)
        self._confirm_end = confirm_end
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._ended = False
        self._fault: MatrixError | None = None
        self._first = b""

    def send(self, data: bytes) -> None:
        """Write to stdin; raises EngineLost, or DeadlineExceeded when nobody reads it."""
        try:
            self._sock.sendall(data)
        except TimeoutError as error:
            raise DeadlineExceeded("the command does not read its input") from error
        except OSError as error:
            raise EngineLost(f"the engine closed the command's input: {error}") from error

    def receive(self, *, deadline_seconds: float) -> Chunk | None:
        """The next bytes; None at the end of both outputs, once that is confirmed."""
        until = time.monotonic() + deadline_seconds
        while not self._ended:
            chunk = self._frames.take()
            if chunk is not None:
                self._first = self._first or chunk.data[:FIRST_BYTES]
                return chunk
            self._read(until, deadline_seconds)
        if self._fault is not None:
            raise self._fault
        return None

    def close(self) -> None:
        """Close the socket; the command sees the end of its input."""
        self._ended = True
        self._sock.close()

    def _read(self, until: float, asked_seconds: float) -> None:
        left = until - time.monotonic()
        if not self._poll.poll(max(0.0, left * 1000)):
            raise DeadlineExceeded(f"no output within {asked_seconds:g} s")
        try:
            data = self._sock.recv(CHUNK_BYTES)
        except OSError as error:
            self._end(EngineLost(f"the engine's stream broke: {error}"))
            return
        if data:
            self._frames.feed(data)
            return
        try:
            self._frames.check_end()
            self._confirm_end(self._first)
        except MatrixError as error:
            self._end(error)
        else:
            self._end(None)

    def _end(self, fault: MatrixError | None) -> None:
        self._ended = True
        self._sock.close()
        self._fault = fault
