"""How many cells run at once over all environments, and whose turn it is."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """Lets *count* cells run at once; the environment with the fewest of them running is next.

    An environment that takes one cell after the other is often the one that a run ends with, so it
    must not wait while others run several.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._running: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, environment: str) -> Iterator[None]:
        """Wait for a slot and hold it."""
        with self._changed:
            self._waiting[environment] += 1
            self._changed.wait_for(lambda: self._is_next(environment))
            self._waiting[environment] -= 1
            self._change(environment, running=1)
        try:
            yield
        finally:
            with self._changed:
                self._change(environment, running=-1)

    def _is_next(self, environment: str) -> bool:
        waiting = [name for name, count in self._waiting.items() if count]
        fewest = min(self._running[name] for name in waiting)
        return self._free > 0 and self._running[environment] == fewest

    def _change(self, environment: str, *, running: int) -> None:
        self._running[environment] += running
        self._free -= running
        # Not one waiter: which of them is next depends on what runs now.
        self._changed.notify_all()
