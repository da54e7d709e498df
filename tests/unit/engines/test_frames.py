import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.errors import EngineLost
from matrix.core.ports import STDERR, STDOUT
from matrix.engines.frames import CHUNK_BYTES, Frames


def frame(source, data):
    return struct.pack(">BxxxI", source, len(data)) + data


def drain(frames):
    chunks = []
    while chunk := frames.take():
        chunks.append(chunk)
    return chunks


def joined(chunks, source):
    return b"".join(chunk.data for chunk in chunks if chunk.source == source)


parts = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=50)), max_size=8)


@given(parts=parts, cuts=st.lists(st.integers(0, 500), max_size=10))
def test_both_outputs_come_through_whole_however_the_bytes_are_cut(parts, cuts):
    data = b"".join(frame(source, payload) for source, payload in parts)
    frames, chunks, last = Frames(), [], 0
    for cut in [*sorted(min(cut, len(data)) for cut in cuts), len(data)]:
        frames.feed(data[last:cut])
        chunks += drain(frames)
        last = cut
    frames.check_end()
    for source in (STDOUT, STDERR):
        assert joined(chunks, source) == b"".join(data for one, data in parts if one == source)


def test_a_long_frame_is_handed_out_before_it_is_complete():
    frames = Frames()
    frames.feed(frame(STDOUT, b"x" * (3 * CHUNK_BYTES))[: 2 * CHUNK_BYTES])
    sizes = [len(chunk.data) for chunk in drain(frames)]
    assert max(sizes) == CHUNK_BYTES
    assert sum(sizes) == 2 * CHUNK_BYTES - 8


@pytest.mark.parametrize("kept", [1, 7, 8, 10], ids=lambda kept: f"{kept} of 12 bytes")
def test_an_end_inside_a_frame_is_a_lost_engine(kept):
    frames = Frames()
    frames.feed(frame(STDOUT, b"done")[:kept])
    drain(frames)
    with pytest.raises(EngineLost, match="middle of a frame"):
        frames.check_end()


def test_bytes_that_are_no_frames_are_a_lost_engine():
    frames = Frames()
    frames.feed(b"HTTP/1.1 500 Internal Server Error\r\n")
    with pytest.raises(EngineLost, match="unknown stream 72"):
        frames.take()
