"""Foreign text made harmless, secrets taken out of it, and numbers in words.

Everything a host, an image or an inventory gave us is data. It passes ``clean`` once, where it
is stored; after that no renderer, terminal or parser can be made to act on it. All functions are
pure and take time linear in the length of the text.

What ``neutralise`` does, by character:

| found                                              | becomes                           |
|----------------------------------------------------|-----------------------------------|
| line feed, tab                                     | stay                              |
| carriage return before a line feed                 | dropped                           |
| colour sequence (``ESC [ … m``)                    | dropped                           |
| other C0 control, DEL (so every other sequence)    | its picture: ``␀`` ``␛`` ``␍`` ``␡`` |
| C1 control, bidi control, line separator, BOM,     | its escape: ``\\x9b`` ``\\u202e``   |
| lone surrogate, U+FFFE, U+FFFF, tag character      |                                   |

A lone carriage return is shown, so what it would have overwritten stays readable. Nothing but
colour is hidden: a reader of the evidence sees that somebody tried.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from matrix.core.encodings import secrets_pattern

#: Characters kept of one text unless the caller says otherwise.
LIMIT = 256 * 1024
#: What stands in the place of a secret.
REDACTED = "[redacted]"

# Bounded repetition: an unfinished sequence costs at most 64 steps.
_COLOUR = re.compile("\x1b\\[[0-9;:]{0,64}m")
_DANGEROUS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff\U000e0000-\U000e007f]"
)
_DELETE = 0x7F
_PICTURES = 0x2400
_HIGHEST_C0 = 0x1F
_HIGHEST_BYTE = 0xFF
_HIGHEST_BMP = 0xFFFF


def decode(data: bytes) -> str:
    """UTF-8 as far as it goes; every other byte as ``\\xNN``. Never raises."""
    return data.decode("utf-8", "backslashreplace")


def neutralise(text: str, *, limit: int = LIMIT) -> str:
    """*text* with nothing in it that a terminal, browser or XML parser would act on.

    The result has at most *limit* characters: of a longer one the head and the tail stay, with a
    line between them that says how long it was. Neutralising twice changes nothing.
    """
    if len(text) <= limit:
        shown = _show_controls(text)
        if len(shown) <= limit:
            return shown
    marker = f"\n… cut, {len(text)} characters in all …\n"
    room = limit - len(marker)
    if room <= 0:
        return _show_controls(text[:limit])[:limit]
    head, tail = room - room // 3, room // 3
    start = _show_controls(text[:head])[:head]
    end = _show_controls(text[-tail:])[-tail:] if tail else ""
    return start + marker + end


def redact(text: str, secrets: Iterable[str]) -> str:
    """*text* with every secret replaced, plain or encoded as ``core.encodings`` says."""
    pattern = _secrets_pattern(tuple(sorted(set(secrets))))
    return pattern.sub(REDACTED, text) if pattern else text


def clean(text: str, *, secrets: Iterable[str] = (), limit: int = LIMIT) -> str:
    """What the sink does to every text: redact, neutralise, redact.

    Before, so that cutting leaves no half of a secret; after, because a colour sequence in the
    middle of a secret hides it until it is dropped.
    """
    known = tuple(secrets)
    return redact(neutralise(redact(text, known), limit=limit), known)


def one_line(text: str, width: int) -> str:
    """*text* on one line of at most *width* terminal columns, cut with an ellipsis."""
    # Nothing beyond this can be seen, whatever the text holds.
    start = neutralise(text[: 16 * width + 64], limit=16 * width + 64)
    line = " ".join(start.split())
    return line if display_width(line) <= width else _fitting(line, width - 1) + "…"[:width]


def display_width(text: str) -> int:
    """Columns *text* takes on a terminal."""
    return sum(map(_columns, text))


def seconds_text(seconds: float) -> str:
    """A duration for people: ``0.4 ms``, ``85 ms``, ``1.2 s``, ``2 min 05 s``, ``3 h 07 min``."""
    if seconds < 0:
        return f"-{seconds_text(-seconds)}"
    if seconds < 0.9995:  # noqa: PLR2004 - rounds to 1000 ms otherwise
        milliseconds = seconds * 1000
        return f"{milliseconds:.{0 if milliseconds >= 10 or not seconds else 1}f} ms"  # noqa: PLR2004
    if seconds < 59.95:  # noqa: PLR2004 - rounds to 60.0 s otherwise
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def size_text(size_bytes: int) -> str:
    """A size for people, in binary units: ``512 B``, ``1.5 KiB``, ``64 MiB``."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1023.95:  # noqa: PLR2004 - rounds to 1024.0 otherwise
            return f"{size:.1f}".removesuffix(".0") + f" {unit}"
        size /= 1024
    return f"{size:.1f}".removesuffix(".0") + " TiB"


def _show_controls(text: str) -> str:
    # Nothing dangerous is printable as Unicode has it (str.isprintable); most texts are, all of it.
    if text.isprintable():
        return text
    return _DANGEROUS.sub(_shown, _COLOUR.sub("", text.replace("\r\n", "\n")))


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= _HIGHEST_C0:
        return chr(_PICTURES + code)
    if code == _DELETE:
        return "␡"
    if code <= _HIGHEST_BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _HIGHEST_BMP else f"\\U{code:08x}"


@lru_cache(maxsize=8)
def _secrets_pattern(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    pattern = secrets_pattern(secrets)
    return re.compile(pattern) if pattern else None


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fitting(line: str, width: int) -> str:
    used = 0
    for position, character in enumerate(line):
        used += _columns(character)
        if used > width:
            return line[:position]
    return line
