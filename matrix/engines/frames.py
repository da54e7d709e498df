"""The engine's way of putting stdout and stderr on one connection, taken apart. Pure.

A frame is one byte for the stream (0 stdin, 1 stdout, 2 stderr), three zero bytes, four bytes for
the length of the payload, big endian, and the payload (Engine API, "Stream format").
"""

import struct

from matrix.core.errors import EngineLost
from matrix.core.ports import STDERR, STDOUT, Chunk

HEADER = struct.Struct(">BxxxI")
#: The most that one chunk holds.
CHUNK_BYTES = 64 * 1024


class Frames:
    """Turns bytes as they come into chunks; frames may be cut anywhere between two feeds."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._source = STDOUT
        self._left = 0

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._bytes += data

    def take(self) -> Chunk | None:
        """The next chunk, or None until more is fed; a long frame is handed out as it comes.

        Raises EngineLost for what no engine sends.
        """
        while not self._left and len(self._bytes) >= HEADER.size:
            self._open_frame()
        count = min(self._left, len(self._bytes), CHUNK_BYTES)
        if not count:
            return None
        data = bytes(memoryview(self._bytes)[:count])
        del self._bytes[:count]
        self._left -= count
        return Chunk(source=self._source, data=data)

    def check_end(self) -> None:
        """Raises EngineLost when the bytes end inside a frame: the rest was never sent."""
        if self._left or self._bytes:
            raise EngineLost("the engine's stream ends in the middle of a frame")

    def _open_frame(self) -> None:
        source, length = HEADER.unpack_from(self._bytes)
        if source > STDERR:
            raise EngineLost(f"the engine sent a frame of the unknown stream {source}")
        del self._bytes[: HEADER.size]
        # Stream 0 is what the engine writes itself, shown as the command's output by the clients.
        self._source = source or STDOUT
        self._left = length
