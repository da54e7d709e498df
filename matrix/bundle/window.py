"""A part of a file as a file of its own, in which going somewhere costs nothing.

What ``zipfile`` opens can go back and forth, too, but reads all that lies between.
"""

import io
import os
from typing import IO


class Window(io.RawIOBase):
    """*count* bytes of *file* from *start* on; there is nothing before and behind them."""

    def __init__(self, file: IO[bytes], start: int, count: int) -> None:
        super().__init__()
        self._file, self._start, self._count = file, start, count
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to *offset*; raises ValueError for a place before the beginning."""
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._count}[whence]
        if begin + offset < 0:
            raise ValueError("a place before the beginning")
        self._at = begin + offset
        return self._at

    def readinto(self, buffer: "memoryview[int] | bytearray") -> int:  # type: ignore[override]
        """As many bytes as there are, at most *buffer* takes; 0 at the end."""
        wanted = min(len(buffer), max(0, self._count - self._at))
        if not wanted:
            # A place far behind the end need not be one that the file knows.
            return 0
        self._file.seek(self._start + self._at)
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
