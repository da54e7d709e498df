from datetime import UTC, datetime, timedelta

import pytest
from builders.reports import a_cell, an_attempt
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.history import PANEL_LENGTH, Past
from matrix.core.series import BAD, history_of, is_flaky, past_of, remember
from matrix.core.verdict import Verdict

BEGAN = datetime(2026, 11, 22, tzinfo=UTC)
LETTERS = {
    "P": Verdict.PASSED, "W": Verdict.WARNED, "F": Verdict.FAILED, "E": Verdict.ERROR,
    "M": Verdict.MISSING, "U": Verdict.UNSUPPORTED,
}  # fmt: skip


def one(letter: str, number: int, *, image: str = "i", fingerprint: str = "f", retries: int = 0):
    return Past(
        run=f"run{number}",
        release="",
        verdict=LETTERS[letter],
        reason="",
        finished_at=BEGAN + timedelta(hours=number),
        image_id=image,
        fingerprint=fingerprint,
        probes_digest="p",
        retries=retries,
    )


def series(letters: str) -> tuple[Past, ...]:
    """One letter a run, oldest first as it is read; the values newest first."""
    return tuple(reversed([one(letter, number) for number, letter in enumerate(letters)]))


@pytest.mark.parametrize(
    ("letters", "run"),
    [("P", None), ("F", "run0"), ("PFF", "run1"), ("PFEMF", "run1"), ("FPF", "run2"),
     ("FFW", None), ("FU", None), ("FUF", "run2")],
)  # fmt: skip
def test_the_first_bad_run_begins_the_row_of_bad_ones_that_goes_on(letters, run):
    found = history_of(series(letters)).first_bad
    assert (found.run if found else None) == run


@pytest.mark.parametrize(
    ("letters", "flaky"),
    [("PPPP", False), ("PPF", False), ("FP", False), ("PFP", True), ("FPF", True), ("WFW", True),
     ("PEP", False), ("PMEP", False), ("PEFEP", True), ("PFP" + "P" * 9, False),
     ("PFP" + "P" * 7, True), ("E", False), ("", False)],
)  # fmt: skip
def test_two_changes_between_pass_and_fail_in_the_last_ten_are_flaky(letters, flaky):
    assert is_flaky(series(letters)) is flaky


@pytest.mark.parametrize(
    "other", [{"image": "other"}, {"fingerprint": "other"}, {"image": ""}, {"fingerprint": ""}]
)
def test_what_was_measured_for_something_else_is_no_flakiness(other):
    assert is_flaky((one("P", 2), one("F", 1, **other), one("P", 0))) is False
    assert is_flaky((one("P", 2, **other), one("F", 1, **other), one("P", 0))) is False


def test_an_image_that_is_not_known_is_compared_with_none():
    assert is_flaky(tuple(one(letter, 0, image="") for letter in "PFP")) is False


def test_who_passed_only_after_a_retry_is_flaky_until_it_passes_at_once():
    retried = one("W", 0, retries=1)
    assert is_flaky((retried,)) is True
    assert is_flaky((one("P", 1), retried)) is False
    assert is_flaky((one("F", 1, retries=1),)) is False


def test_retries_are_counted_beyond_one_attempt_a_host():
    attempts = (an_attempt(host="a"), an_attempt(host="b"), an_attempt(host="b", number=2))
    result = a_cell("queue", "qa", Verdict.WARNED, *attempts).result
    past = past_of(result, run="r", release="1.0", begun_at=BEGAN)
    assert (past.retries, past.release, past.finished_at) == (1, "1.0", result.finished_at)


@given(st.text("PWFEMU", min_size=1, max_size=70))
def test_remembering_one_by_one_is_knowing_all_at_once(letters):
    history = None
    for past in reversed(series(letters)):
        history = remember(history, past)
    whole = series(letters)
    assert history.past == whole[:PANEL_LENGTH]
    assert history.first_bad == history_of(whole).first_bad
    assert history.flaky == is_flaky(whole[:PANEL_LENGTH])
    assert (history.first_bad is None) == (whole[0].verdict not in BAD)


def test_an_answer_given_again_in_the_same_run_counts_once():
    history = remember(remember(None, one("P", 0)), one("F", 1))
    again = remember(history, one("P", 1))
    assert [past.verdict for past in again.past] == [Verdict.PASSED, Verdict.PASSED]
    assert again.first_bad is None
    assert remember(again, one("F", 1)) == history
