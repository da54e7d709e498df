"""Halves of known texts at a cut."""

from hypothesis import given
from hypothesis import strategies as st

from matrix.core.fragments import SHORTEST, Fragments

KNOWN = "correct-horse-battery"


@given(st.integers(1, len(KNOWN) - 1), st.text(" .x", max_size=5))
def test_the_whole_half_is_found_and_nothing_more(length: int, beside: str):
    fragments = Fragments([KNOWN])
    text = f"{beside}{KNOWN[:length]}"
    found = fragments.before(text, len(text))
    assert found == (len(beside) if length >= SHORTEST else len(text))
    text = f"{KNOWN[-length:]}{beside}"
    assert fragments.behind(text, 0) == (length if length >= SHORTEST else 0)


def test_a_text_that_only_begins_alike_is_left_alone():
    fragments = Fragments([KNOWN])
    assert fragments.before("incorrect-house", 15) == 15
    assert fragments.behind("horse", 0) == 0
    assert fragments.before("", 0) == fragments.behind("", 0) == 0


def test_a_text_that_repeats_itself_costs_no_more_than_others():
    fragments = Fragments(["a" * 5000])
    text = "a" * 100_000
    assert fragments.before(text, len(text)) == len(text) - 4999
