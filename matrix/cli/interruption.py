"""What Ctrl-C and the other signals that mean the same do to a run.

| while                                   | first signal                       | second signal     |
|-----------------------------------------|------------------------------------|-------------------|
| planning, building, sweeping before it  | ends at once                       |                   |
| measuring                               | drains: cells end, hosts are clean | ends at once,     |
|                                         | and the report is written          | says what is left |
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from matrix.cli.output import talk
from matrix.core.errors import MatrixError
from matrix.core.gate import Exit, code_of_signal
from matrix.core.store_ports import Intent, Store
from matrix.execution.toolbox import Halt

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Signals closer together than this are one: a terminal and a wrapper may both send it.
SAME_SECONDS = 0.5
#: Given to what waits for a build or a host to let go, when nothing is measured yet.
UNWIND_SECONDS = 5.0
#: Given to reading the journal when everything is to end at once.
LIST_SECONDS = 5.0


class Interruption:
    """The signals that came during one run."""

    def __init__(self, store: Store, halt: Halt) -> None:
        self._store = store
        self._halt = halt
        #: The last one, None for none.
        self.number: int | None = None
        self._came = -SAME_SECONDS

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Take the signals; raises KeyboardInterrupt while nothing is measured yet."""
        before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._came < SAME_SECONDS:
            return
        again, self.number, self._came = self.number is not None, number, now
        if not self._halt.run:
            self._unwind(number, again=again)
        if again:
            self._end_at_once(number)
        self._halt.interrupt()
        _say("ending the running cells and cleaning up (again to end at once)")

    def _unwind(self, number: int, *, again: bool) -> NoReturn:
        """Nothing of ours runs anywhere, so nothing is lost when unwinding takes too long."""
        code = code_of_signal(number)
        if again:
            os._exit(code)
        _say("interrupted before anything was measured")
        late = threading.Timer(UNWIND_SECONDS, os._exit, [code])
        late.daemon = True
        late.start()
        raise KeyboardInterrupt

    def _end_at_once(self, number: int) -> NoReturn:
        entries = self._list_entries()
        for intent in entries or ():
            talk(f"may be left on {intent.host}: {intent.kind} {intent.name}")
        if entries is None:
            talk("what may be left cannot be told: the store gives no answer")
        talk("the hosts clean up by themselves within 30 s; make sure with: matrix sweep")
        os._exit(code_of_signal(number) if entries == [] else Exit.LEFTOVERS)

    def _list_entries(self) -> list[Intent] | None:
        """What is journalled of the run; None when that cannot be had in time."""
        found: list[list[Intent] | None] = []
        # In a thread of its own, for the one interrupted here may hold what the store needs.
        reader = threading.Thread(target=lambda: found.append(self._read_entries()), daemon=True)
        reader.start()
        reader.join(LIST_SECONDS)
        return found[0] if found else None

    def _read_entries(self) -> list[Intent] | None:
        try:
            entries = self._store.open_entries(run=self._halt.run)
        except MatrixError as error:
            talk(str(error))
            return None
        return [intent for _, intent in entries if intent.kind != "image"]


def _say(text: str) -> None:
    # Not through Python's own buffers: the thread interrupted here may be using them. A terminal
    # that was closed, which is a signal too, takes nothing any more.
    with suppress(OSError):
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"\nmatrix: {text}\n".encode())
