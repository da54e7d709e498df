"""How many cells run at once over all environments, and whose turn it is."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Slots:
    """Lets *count* cells run at once; the environment with the fewest of them running is next.

    An environment that takes one cell after the other is often the one that a run ends with, so it
    must not wait while others run several. For each environment that is expected and was not heard
    of yet, being examined still, one slot is kept free: only a first cell may have it.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._coming: set[str] = set()
        self._running: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._changed = threading.Condition()

    def expect(self, environments: Iterable[str]) -> None:
        """Cells of *environments* will come, unless they give up."""
        with self._changed:
            self._coming.update(environments)

    @contextmanager
    def take(self, environment: str) -> Iterator[None]:
        """Wait for a slot and hold it."""
        with self._changed:
            self._waiting[environment] += 1
            self._coming.discard(environment)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_next(environment))
            self._waiting[environment] -= 1
            self._change(environment, running=1)
        try:
            yield
        finally:
            with self._changed:
                self._change(environment, running=-1)

    def give_up(self, environment: str) -> None:
        """Nothing will come from *environment* any more."""
        with self._changed:
            self._coming.discard(environment)
            self._changed.notify_all()

    def _is_next(self, environment: str) -> bool:
        mine = self._running[environment]
        fewest = min(self._running[name] for name, count in self._waiting.items() if count)
        kept = len(self._coming) if mine else 0
        return self._free > kept and mine == fewest

    def _change(self, environment: str, *, running: int) -> None:
        self._running[environment] += running
        self._free -= running
        # Not one waiter: which of them is next depends on what runs now.
        self._changed.notify_all()
