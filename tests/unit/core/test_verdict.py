"""Seven words, seven glyphs, and the worst of several."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.verdict import GLYPHS, SEVERITY, Verdict, worst

MEASURED = st.lists(st.sampled_from(SEVERITY), max_size=8)


@pytest.mark.parametrize(
    ("verdict", "glyph"),
    tuple(zip(Verdict, "?–✓⚠!✗◷", strict=True)),
    ids=str,
)
def test_each_verdict_has_its_glyph(verdict, glyph):
    assert verdict.glyph == glyph


def test_no_two_verdicts_look_the_same():
    assert len(set(GLYPHS.values())) == len(GLYPHS) == len(Verdict)


def test_the_value_is_the_word_used_everywhere():
    assert all(verdict.value == verdict.name for verdict in Verdict)


def test_the_order_is_the_one_promised():
    words = "FAILED > ERROR > MISSING > UNSUPPORTED > WARNED > PASSED"
    assert " > ".join(verdict.value for verdict in SEVERITY) == words


def test_nothing_observed_is_missing():
    assert worst(()) is Verdict.MISSING


def test_stale_cannot_be_folded():
    with pytest.raises(ValueError, match="not in"):
        worst([Verdict.PASSED, Verdict.STALE])


@given(MEASURED)
def test_green_needs_something_and_nothing_else(verdicts):
    assert (worst(verdicts) is Verdict.PASSED) == (set(verdicts) == {Verdict.PASSED})


@given(MEASURED.filter(bool), MEASURED)
def test_more_verdicts_never_improve(some, more):
    assert SEVERITY.index(worst([*some, *more])) <= SEVERITY.index(worst(some))


@given(MEASURED)
def test_order_and_repetition_do_not_matter(verdicts):
    assert worst(verdicts) is worst(reversed(verdicts)) is worst(verdicts * 2)
