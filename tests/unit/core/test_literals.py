"""Many literal texts as one pattern."""

import re

from hypothesis import given
from hypothesis import strategies as st

from matrix.core.literals import either

WORDS = st.lists(st.text("abc[](\\|*é", min_size=1, max_size=6), min_size=1, max_size=12)


@given(WORDS, st.text("abc[](\\|*é", max_size=30))
def test_it_finds_the_longest_of_them_first(words: list[str], text: str):
    plain = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    assert re.findall(either(words), text) == re.findall(plain, text)


@given(WORDS)
def test_something_may_stand_between_any_two_characters(words: list[str]):
    for word in words:
        assert re.fullmatch(either(words, between="(?:-)?"), "-".join(word))
        assert re.fullmatch(either(words, between="(?:-)?"), word)


def test_none_makes_no_pattern():
    assert either([]) == either([""]) == ""


def test_words_within_words_nest_no_deeper_than_re_can():
    words = ["a" * length for length in range(1, 500)]
    assert re.compile(either(words)).fullmatch("a" * 499)
