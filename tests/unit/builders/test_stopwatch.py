"""What a stopwatch takes for a machine that stood still, and what it does not."""

import threading

import pytest
from builders.stopwatch import TICK_SECONDS, Stopwatch, standstill


@pytest.mark.parametrize(
    ("moments", "still"),
    [
        ([], 0),
        ([5], 0),
        ([0, 0.02, 0.04, 0.07], 0),
        ([0, 0.02, 10.04, 10.06], 10),
        ([0, 1.02, 1.04, 3.06], 3),
    ],
    ids=["no look", "one look", "in time", "once", "twice"],
)
def test_only_looks_that_come_late_are_a_standstill(moments: list[float], still: float):
    assert standstill(moments) == pytest.approx(still)


def test_what_is_waited_for_counts():
    with Stopwatch() as took:
        threading.Event().wait(10 * TICK_SECONDS)
    assert took.seconds > 0
