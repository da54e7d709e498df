"""Foreign text is made harmless, secrets go, numbers read well."""

import base64
import html
import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matrix.core import text

SECRET = "pä$$/w+rd=&<\"'>%42"
ANYTHING = st.text(st.characters(), max_size=300)  # surrogates and controls included
HARMFUL = st.text(
    st.sampled_from("\x00\x07\x08\x1b\x7f\x85\x9b\x9d\r\n\t[];0123mKab\u202e\u2066\ud800\uffff"),
    max_size=200,
)


def is_harmless(character: str) -> bool:
    code = ord(character)
    return character in "\n\t" or not (
        code < 0x20
        or 0x7F <= code <= 0x9F
        or 0x2028 <= code <= 0x202E
        or 0x2066 <= code <= 0x2069
        or 0xD800 <= code <= 0xDFFF
        or code in {0x61C, 0x200E, 0x200F, 0xFEFF, 0xFFFE, 0xFFFF}
        or 0xE0000 <= code <= 0xE007F
    )


@given(st.one_of(ANYTHING, HARMFUL))
@example("\x1b\x1b[0m[31m")
@example("\r\x1b[m\n")
def test_neutral_text_holds_no_control_and_stays_as_it_is(found: str) -> None:
    once = text.neutralise(found)
    assert all(map(is_harmless, once))
    assert text.neutralise(once) == once


@given(st.one_of(ANYTHING, HARMFUL), st.integers(min_value=0, max_value=120))
def test_neutral_text_keeps_to_its_limit(found: str, limit: int) -> None:
    once = text.neutralise(found, limit=limit)
    assert len(once) <= limit
    assert text.neutralise(once, limit=limit) == once


@given(st.one_of(ANYTHING, HARMFUL))
def test_neutral_text_fits_into_xml_and_utf8(found: str) -> None:
    element = ET.Element("a")
    element.text = text.neutralise(found)
    back = ET.fromstring(ET.tostring(element, encoding="utf-8")).text or ""
    assert back == element.text


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=100))
def test_ordinary_text_is_not_changed(found: str) -> None:
    assert text.neutralise(found) == found


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ("a\x1b[1;31mred\x1b[0m b", "ared b"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x1b[2J\x1b[H", "␛[2J␛[H"),
        ("one\r\ntwo\n\tthree", "one\ntwo\n\tthree"),
        ("FAILED\rPASSED", "FAILED␍PASSED"),
        ("nul\x00", "nul␀"),
        ("\x9b31m", "\\x9b31m"),
        ("admin\u202etxt.exe", "admin\\u202etxt.exe"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
    ids=["colour", "title", "clear", "lines", "overwrite", "nul", "c1", "bidi", "half", "tag"],
)
def test_what_would_act_is_shown_instead(found: str, shown: str) -> None:
    assert text.neutralise(found) == shown


def test_a_long_text_keeps_head_and_tail_and_says_how_long_it_was() -> None:
    short = text.neutralise("a" * 500 + "b" * 500, limit=100)
    assert short.startswith("aaa")
    assert short.endswith("bbb")
    assert "1000 characters in all" in short


@pytest.mark.parametrize(
    "bomb",
    ["\x1b[" * 500_000, "\x1b[" + "1;" * 500_000, "\r" * 1_000_000, "\x1b]" * 500_000],
    ids=["unfinished", "endless", "returns", "titles"],
)
def test_hostile_text_takes_linear_time(bomb: str) -> None:
    began = time.process_time()
    text.neutralise(bomb, limit=10_000_000)
    assert time.process_time() - began < 5


@given(st.binary(max_size=200))
def test_any_bytes_can_be_decoded(data: bytes) -> None:
    assert text.decode(data).isascii() or text.decode(data)
    text.decode(data).encode()


def test_bytes_that_are_not_utf8_stay_readable() -> None:
    assert text.decode(b"ok \xc3\xa4 \xff") == "ok ä \\xff"


def lower(match: re.Match[str]) -> str:
    return match[0].lower()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 in a pair": lambda value: base64.b64encode(f"user:{value}".encode()).decode(),
    "base64 in a triple": lambda value: base64.b64encode(f"ab{value}!".encode()).decode(),
    "base64 for addresses": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "percent": lambda value: quote(value, safe=""),
    "percent, small": lambda value: re.sub("%..", lower, quote(value, safe="")),
    "path": quote,
    "form": quote_plus,
    "json": json.dumps,
    "json, unicode": lambda value: json.dumps(value, ensure_ascii=False),
    "html": html.escape,
    "python": repr,
    "hexadecimal": lambda value: value.encode().hex(),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_secret_goes_in_every_encoding(encode: Callable[[str], str]) -> None:
    shown = text.redact(f"before {encode(SECRET)} after", [SECRET])
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert text.REDACTED in shown
    # At most the characters that a neighbour shares stay of a base64 form.
    assert len(shown) < len("before [redacted] after") + 12


@given(
    st.text(st.characters(codec="utf-8"), min_size=6, max_size=40),
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
def test_no_secret_survives_between_any_neighbours(secret: str, left: str, right: str) -> None:
    if secret in text.REDACTED:
        return
    assert text.REDACTED in text.redact(left + secret + right, [secret])
    encoded = base64.b64encode((left + secret + right).encode()).decode()
    assert text.REDACTED in text.redact(encoded, [secret])


def test_a_longer_secret_goes_before_the_shorter_one_in_it() -> None:
    assert text.redact("hunter2-and-more", ["hunter2", "hunter2-and-more"]) == text.REDACTED


def test_every_long_line_of_a_key_is_a_secret() -> None:
    key = "-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIEIGb0\n-----END KEY-----"
    assert "MC4CAQAw" not in text.redact("  MC4CAQAwBQYDK2VwBCIEIGb0", [key])


def test_without_secrets_nothing_goes() -> None:
    assert text.redact("plain", []) == "plain"
    assert text.redact("a cat", ["a", ""]) == "a cat"


def test_a_million_matches_take_linear_time() -> None:
    began = time.process_time()
    text.redact("hunter2" * 200_000 + "hunter" * 200_000, ["hunter2", "a" * 5000])
    assert time.process_time() - began < 5


def test_a_secret_split_by_colour_or_by_the_cut_goes_too() -> None:
    assert "hunter2" not in text.clean("hun\x1b[0mter2", secrets=["hunter2"])
    cut = text.clean("x" * 40 + "hunter2-hunter2" + "y" * 900, secrets=["hunter2"], limit=100)
    assert "hunter" not in cut


@given(ANYTHING, st.integers(min_value=0, max_value=60))
def test_one_line_is_one_line_and_fits(found: str, width: int) -> None:
    line = text.one_line(found, width)
    assert "\n" not in line
    assert text.display_width(line) <= width


def test_one_line_shows_that_it_was_cut() -> None:
    assert text.one_line("one\n  two", 20) == "one two"
    assert text.one_line("one two three", 8) == "one two…"
    assert text.one_line("漢字漢字", 5) == "漢字…"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 ms"),
        (0.00035, "0.3 ms"),
        (0.085, "85 ms"),
        (0.9996, "1.0 s"),
        (1.24, "1.2 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (11_220, "3 h 07 min"),
        (200_000, "2 d 7 h"),
        (-2, "-2.0 s"),
    ],
)
def test_a_duration_reads_well(seconds: float, shown: str) -> None:
    assert text.seconds_text(seconds) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1536, "1.5 KiB"),
        (64 * 1024 * 1024, "64 MiB"),
        (1024**2 - 1, "1 MiB"),
        (3 * 1024**4, "3 TiB"),
    ],
)
def test_a_size_reads_well(size: int, shown: str) -> None:
    assert text.size_text(size) == shown
