"""Times, told as medians with their spread, of sides that take turns."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

#: Does something once and gives the seconds each of its operations took.
Side = Callable[[], list[float]]


def interleave(sides: Mapping[str, Side], *, rounds: int) -> dict[str, list[float]]:
    """What each side took; the sides take turns, so that a busy moment slows all of them."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            taken[name] += side()
    return taken


def summary(seconds: list[float]) -> dict[str, float]:
    """The median and quartiles of *seconds*, and how many there are."""
    low, middle, high = statistics.quantiles(seconds, n=4) if len(seconds) > 1 else [seconds[0]] * 3
    return {
        "count": len(seconds),
        "median_seconds": middle,
        "quartile_1_seconds": low,
        "quartile_3_seconds": high,
        "least_seconds": min(seconds),
        "most_seconds": max(seconds),
    }


def timed(action: Callable[[], object]) -> list[float]:
    """The seconds one call takes, as a Side gives them.

    What the side before it left behind is collected first: the collector's pass over another
    side's million values took longer than what was measured.
    """
    gc.collect()
    began = time.perf_counter()
    action()
    return [time.perf_counter() - began]


@contextmanager
def step(into: dict[str, list[float]], name: str) -> Iterator[None]:
    """Add the seconds of what is done inside to those under *name*."""
    began = time.perf_counter()
    try:
        yield
    finally:
        into.setdefault(name, []).append(time.perf_counter() - began)
