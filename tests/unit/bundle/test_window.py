"""A part of a file behaves as a file that holds that part alone."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.bundle.window import Window

SEEKS = st.tuples(st.integers(-40, 60), st.sampled_from((os.SEEK_SET, os.SEEK_CUR, os.SEEK_END)))
STEPS = st.lists(st.one_of(SEEKS, st.integers(0, 50)), max_size=20)


@given(before=st.binary(max_size=20), part=st.binary(max_size=40), steps=STEPS)
def test_every_walk_reads_what_a_file_of_that_part_gives(before, part, steps):
    file = io.BytesIO(before + part + b"behind")
    window, alone = io.BufferedReader(Window(file, len(before), len(part)), 8), io.BytesIO(part)
    for step in steps:
        if isinstance(step, int):
            assert window.read(step) == alone.read(step)
        elif place_of(alone, part, *step) >= 0:
            window.seek(*step)
            alone.seek(*step)
            assert window.tell() == alone.tell()


def test_a_place_before_the_beginning_is_refused():
    window = Window(io.BytesIO(b"content"), 2, 3)
    with pytest.raises(ValueError, match="before the beginning"):
        window.seek(-4, os.SEEK_END)


def test_a_file_that_became_shorter_ends_there():
    assert io.BufferedReader(Window(io.BytesIO(b"0123"), 2, 30)).read() == b"23"


def place_of(file, part, offset, whence):
    """Where it would go."""
    return offset + {os.SEEK_SET: 0, os.SEEK_CUR: file.tell(), os.SEEK_END: len(part)}[whence]
