"""How long something took on a machine that now and then stands still."""

import threading
import time
from collections.abc import Iterable
from itertools import pairwise
from types import TracebackType
from typing import Self

#: Between two looks at the clock.
TICK_SECONDS = 0.02
#: What a look may come late by on any machine.
LATE_SECONDS = 0.03


def standstill(moments: Iterable[float]) -> float:
    """Seconds by which looks at the clock, meant to come every tick, came late together."""
    looks = list(moments)
    gaps = (after - before for before, after in pairwise(looks))
    return sum(gap - TICK_SECONDS for gap in gaps if gap > TICK_SECONDS + LATE_SECONDS)


class Stopwatch:
    """``with Stopwatch() as took: …``, and then ``took.seconds``: without what nothing ran in.

    A machine that is shared stands still for seconds, and then a deadline that was kept looks
    missed. A thread that only wants to tick tells how long that was: while we wait for something
    that does not come, it ticks in time, so that whatever waits too long is still found out.
    """

    def __enter__(self) -> Self:
        self._looks = [time.monotonic()]
        self._over = threading.Event()
        self._ticking = threading.Thread(target=self._tick, name="stopwatch", daemon=True)
        self._ticking.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self._looks.append(time.monotonic())
        self._over.set()
        self._ticking.join()

    def _tick(self) -> None:
        while not self._over.wait(TICK_SECONDS):
            self._looks.append(time.monotonic())

    @property
    def seconds(self) -> float:
        """Seconds without those in which this machine stood still; known at the end."""
        looks = sorted(self._looks)
        return looks[-1] - looks[0] - standstill(looks)
