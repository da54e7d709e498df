"""Bytes that come in pieces, read as a file that only goes on."""

from collections.abc import Iterable


class PieceReader:
    """A file for whoever reads what is asked for and no more, as ``tarfile`` does of a stream."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._waiting = bytearray()

    def read(self, size: int) -> bytes:
        """Up to *size* bytes; fewer only at the end. Raises what the pieces raise."""
        while len(self._waiting) < size and (piece := next(self._pieces, b"")):
            self._waiting += piece
        data = bytes(self._waiting[:size])
        del self._waiting[:size]
        return data
