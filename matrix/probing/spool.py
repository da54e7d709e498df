"""What a probe prints: kept in memory up to a cap, the head and the tail."""

import io

OUTPUT_CAP_BYTES = 64 * 1024


class Spool(io.RawIOBase):
    """Keeps the head and the tail of what is written to it."""

    def __init__(self, cap_bytes: int = OUTPUT_CAP_BYTES) -> None:
        super().__init__()
        self._half = cap_bytes // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: object) -> int:
        """Take all of *data*, keep what fits."""
        new = bytes(memoryview(data))  # type: ignore[arg-type]  # any buffer, as io says
        room = self._half - len(self._head)
        self._head += new[:room]
        self._tail += new[room:]
        if (excess := len(self._tail) - self._half) > 0:
            self._left_out += excess
            del self._tail[:excess]
        return len(new)

    def text(self) -> str:
        """What was kept, with a note of what was not."""
        middle = f"\n[… {self._left_out} bytes left out …]\n".encode() if self._left_out else b""
        return (self._head + middle + self._tail).decode("utf-8", "backslashreplace")


def open_text(spool: Spool) -> io.TextIOWrapper:
    """A text file, with its ``buffer``, that ends in *spool*."""
    return io.TextIOWrapper(
        io.BufferedWriter(spool), "utf-8", "backslashreplace", write_through=True
    )
