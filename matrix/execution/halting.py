"""What makes a run that is told to stop end soon, whatever a host is doing."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from matrix.core.errors import DeadlineExceeded
from matrix.core.ports import Chunk, Stream
from matrix.execution.toolbox import Halt

#: How long a command may go on without being asked whether the run still does.
LOOK_SECONDS = 0.25
#: Given to the cells to end and to clean up; after that, cleaning up is left to the tethers.
DRAIN_SECONDS = 20.0


class HaltingStream:
    """``ports.Stream`` that stops waiting for its command, with Cancelled, once the run stops."""

    def __init__(self, stream: Stream, halt: Halt) -> None:
        self._stream = stream
        self._halt = halt

    def send(self, data: bytes) -> None:
        """As the stream does."""
        self._stream.send(data)

    def receive(self, *, deadline_seconds: float) -> Chunk | None:
        """As the stream does; raises Cancelled as well, after at least one look."""
        until = time.monotonic() + deadline_seconds
        while True:
            left = until - time.monotonic()
            try:
                return self._stream.receive(deadline_seconds=max(0.0, min(left, LOOK_SECONDS)))
            except DeadlineExceeded:
                if left <= LOOK_SECONDS:
                    raise
            self._halt.check()

    def close(self) -> None:
        """As the stream does."""
        self._stream.close()


@contextmanager
def cut_when_late(
    halt: Halt, cut: Callable[[], None], *, seconds: float = DRAIN_SECONDS
) -> Iterator[None]:
    """Call *cut* in a thread of its own when the block goes on *seconds* after *halt* drains.

    Every call that waits for a host is bounded by itself, but several of them may come together.
    """
    over = threading.Event()

    def watch() -> None:
        while not halt.draining:
            if over.wait(LOOK_SECONDS):
                return
        if not over.wait(seconds):
            cut()

    thread = threading.Thread(target=watch, name="cutter", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
