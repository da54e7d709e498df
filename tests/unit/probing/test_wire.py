"""Frames of JSON: what goes in comes out, and nothing else gets through."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.probing.wire import HEADER, BrokenWire, Frames, decode, encode, pack, unpack

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.lists(VALUES, max_size=4), st.integers(1, 50))
def test_messages_come_out_as_they_went_in_however_they_are_sliced(values, size):
    sent = [{"kind": "x", "value": value} for value in values]
    stream = b"".join(encode(message, cap_bytes=10**6) for message in sent)
    frames, came = Frames(cap_bytes=10**6), []
    for start in range(0, len(stream), size):
        frames.feed(stream[start : start + size])
        while (body := frames.take()) is not None:
            came.append(decode(body))
    assert came == sent


@settings(deadline=None)
@given(st.binary())
def test_bytes_come_out_as_they_went_in(data):
    assert unpack(pack(data)) == data


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data):
    with suppress(BrokenWire):
        assert isinstance(decode(data)["kind"], str)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"a": 1}',
        b'{"kind": 1}',
        b'{"kind": "x", "value": NaN}',
        b'{"kind": "x", "value": Infinity}',
        b'{"kind": "x", "n": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_not_one_object_with_a_kind_is_refused(body):
    with pytest.raises(BrokenWire):
        decode(body)


def test_a_long_message_is_refused_before_it_has_come():
    frames = Frames(cap_bytes=10)
    frames.feed(HEADER.pack(11))
    with pytest.raises(BrokenWire):
        frames.take()


def test_a_long_message_is_not_sent():
    with pytest.raises(BrokenWire):
        encode({"kind": "x" * 20}, cap_bytes=10)


@pytest.mark.parametrize("text", ["ä", "a", "====", 3, None])
def test_what_is_not_base64_is_refused(text):
    with pytest.raises(BrokenWire):
        unpack(text)
