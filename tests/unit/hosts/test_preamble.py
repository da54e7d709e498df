from hypothesis import given
from hypothesis import strategies as st

from matrix.core.errors import AuthRefused, EngineUnavailable
from matrix.hosts.channel import Preamble
from matrix.hosts.refusals import refusal

NONCE = b"0123456789abcdef"


@given(noise=st.binary(max_size=2000), data=st.binary(max_size=50), size=st.integers(1, 700))
def test_all_noise_is_dropped_and_nothing_else(noise, data, size):
    if NONCE in noise:
        return
    whole = noise + NONCE + data
    preamble, got = Preamble(NONCE), b""
    for begin in range(0, len(whole), size):
        got += preamble.strip(whole[begin : begin + size])

    assert got == data
    assert preamble.passed


def test_without_a_nonce_everything_passes():
    assert Preamble(b"").strip(b"data") == b"data"


def test_endless_noise_is_not_kept():
    preamble = Preamble(NONCE)
    for _ in range(100):
        assert preamble.strip(b"x" * 1000) == b""
    assert len(preamble.noise) <= 1000


def test_an_engines_refusal_says_what_to_do():
    cases = {
        "sudo: a password is required": (AuthRefused, "NOPASSWD"),
        "permission denied while trying to connect": (AuthRefused, "engine_sudo"),
        "x is not in the sudoers file.": (AuthRefused, "engine_sudo"),
        "Cannot connect to the Docker daemon": (EngineUnavailable, "Docker daemon"),
        "": (EngineUnavailable, "no word"),
    }
    for said, (kind, words) in cases.items():
        error = refusal("qa", said)
        assert type(error) is kind
        assert words in str(error)
