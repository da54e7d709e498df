"""Sizes and spans as they are written in our files."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.loading.measures import SIZES, SPANS, size_bytes, span_seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("512", 512), ("512B", 512), ("64MiB", 67108864), ("1GiB", 1073741824)],
)
def test_a_size_is_in_binary_units(text, expected):
    assert size_bytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("200ms", 0.2), ("30s", 30.0), ("1.5m", 90.0), ("7d", 604800.0), ("2w", 1209600.0)],
)
def test_a_span_names_its_unit(text, expected):
    assert span_seconds(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "64MB", "1gib", "-1", "1.5GiB", "1 GiB", "1e3", "٣", "9" * 13, "1GiB\n", "MiB"],
)
def test_what_could_be_misread_is_no_size(text):
    with pytest.raises(ValueError, match="is not a size"):
        size_bytes(text)


@pytest.mark.parametrize("text", ["", "30", "5 m", "-1s", "1y", "1m30s", "٣s", "5m\n", ".5s"])
def test_what_could_be_misread_is_no_span(text):
    with pytest.raises(ValueError, match="is not a span"):
        span_seconds(text)


@settings(deadline=None)
@given(st.integers(0, 10**11), st.sampled_from(sorted(SIZES)))
def test_every_size_is_its_number_times_its_unit(number, unit):
    assert size_bytes(f"{number}{unit}") == number * SIZES[unit]


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(SPANS)))
def test_every_span_is_its_number_times_its_unit(number, unit):
    assert span_seconds(f"{number}{unit}") == pytest.approx(number * SPANS[unit])
