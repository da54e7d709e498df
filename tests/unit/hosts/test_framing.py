import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.hosts.framing import Capture, Frame, frame

NONCE = "0123456789abcdef0123456789abcdef"
START, END = f"{NONCE}<\n".encode(), f"{NONCE}>0\n".encode()
LAST_ACT = f"{NONCE}&\n".encode()


def read(*pieces: bytes, cap_bytes: int = 1000) -> Frame:
    got = Frame(NONCE, cap_bytes=cap_bytes)
    for piece in pieces:
        got.feed(piece)
    return got


def split(data: bytes, at: list[int]) -> list[bytes]:
    marks = sorted({min(each, len(data)) for each in at})
    edges = [0, *marks, len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


#: Output that looks like marks, but is not.
HOSTILE = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [NONCE.encode(), NONCE[:20].encode(), NONCE.encode() + b">", b"\n", b">0\n", b"<\n"]
        ),
    ),
    max_size=8,
).map(b"".join)


@given(
    output=HOSTILE,
    noise=st.binary(max_size=50),
    status=st.integers(0, 255),
    child=st.none() | st.integers(1, 4_194_304),
    at=st.lists(st.integers(0, 600), max_size=30),
)
def test_the_output_is_found_however_it_is_cut(output, noise, status, child, at):
    last_act = f"{NONCE}&{child or ''}\n".encode()
    end = f"{NONCE}>{status}\n".encode()
    # What a command cannot print, since it does not know the nonce.
    if re.search(rb"%s(&\d*|>\d{1,3})\n" % NONCE.encode(), output + b"x"):
        return
    got = read(*split(noise + START + output + last_act + end, at))

    assert got.status == status
    assert got.captured.content() == output
    assert got.captured.total == len(output)
    assert got.stray_bytes == len(noise)
    assert got.clean == (child is None)


@given(output=st.binary(max_size=300), at=st.lists(st.integers(0, 400), max_size=10))
def test_nothing_is_done_before_the_last_mark_is_whole(output, at):
    whole = START + output + LAST_ACT + END
    got = read(*split(whole[:-1], at))
    assert not got.done
    got.feed(whole[-1:])
    assert got.status == 0


def test_bytes_after_the_last_mark_are_somebody_elses():
    got = read(START + b"mine" + LAST_ACT + END + b"late")

    assert got.captured.content() == b"mine"
    assert got.stray_bytes == 4


def test_a_subshell_that_never_got_to_its_last_act_is_not_clean():
    assert not read(START + END).clean
    assert read(START + LAST_ACT + END).clean


def test_our_own_line_as_a_trace_prints_it_is_output():
    trace = f"+ printf {NONCE}&%s\\n \n".encode()
    got = read(START + trace + END)

    assert got.captured.content() == trace
    assert got.status == 0


@pytest.mark.parametrize("cap", [0, 1, 7, 100])
@pytest.mark.parametrize("sizes", [[5], [50] * 50, [1] * 300, [100_000, 3]])
def test_a_capture_keeps_head_and_tail_and_counts_all(cap, sizes):
    data = bytes(number % 251 for number in range(sum(sizes)))
    capture, begin = Capture(cap), 0
    for size in sizes:
        capture.add(data[begin : begin + size])
        begin += size

    head, tail = cap - cap // 2, cap // 2
    wanted = data if len(data) <= cap else data[:head] + data[len(data) - tail :]
    assert capture.content() == wanted
    assert capture.total == len(data)


def test_a_flood_is_not_kept_in_memory():
    capture = Capture(1000)
    for _ in range(200):
        capture.add(b"x" * 65536)

    assert len(capture._tail) < 3 * 65536


def test_a_command_is_sent_as_one_quoted_word():
    text = frame("echo 'a'; exit", NONCE).decode()

    assert """eval 'echo '"'"'a'"'"'; exit'""" in text
    assert text.endswith(">&2\n")
