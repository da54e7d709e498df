"""How a secret may be written besides as it is. Pure.

| written as                                                            | found                 |
|-----------------------------------------------------------------------|-----------------------|
| base64, both alphabets, with padding or not, inside a longer value too | also on several lines |
| hexadecimal, either case                                              | also on several lines |
| hexadecimal with ``:``, blanks or ``\\x`` between the bytes            |                       |
| escapes of JSON, Python, shells, URLs, forms, HTML and XML            | also within one another |
| the single long lines of a secret of several lines                    |                       |

Letters and digits are the same in every escape. Any other character has a few ways of being
written, and what is escaped twice has more backslashes, ``&amp;`` or ``%25`` before it.
"""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html.entities import codepoint2name
from itertools import chain, groupby
from urllib.parse import quote, quote_plus

from matrix.core.literals import either

#: A secret shorter than this cannot be told from ordinary text and is left alone.
SHORTEST_SECRET = 4
#: A line of a secret of several lines (a private key) counts alone from this length on.
SHORTEST_SECRET_LINE = 16
#: How a long encoded value is broken into lines: as it is, or written as an escape itself.
LINE_BREAK = r"(?:\r?\n|\\n)?"

_ANY_BREAK = re.compile(r"\r?\n|\\n")
_CORE = re.compile("[A-Za-z0-9]{3,}")
_URL_SAFE = str.maketrans("+/", "-_")
_LETTER_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\0": "0"}
#: Characters that an escape puts before themselves, and a quote in a text in single quotes.
_BEFORE_THEMSELVES = {
    "&": "&(?:amp;){0,4}",
    "%": "%(?:25){0,4}",
    "'": r"""'\\{0,8}"\\{0,8}'\\{0,8}"\\{0,8}'|'\\{1,8}''|'""",
    " ": r"[ +]",
}
_PICTURES, _DELETE, _HIGHEST_BYTE = 0x2400, 0x7F, 0xFF


def secrets_pattern(secrets: Iterable[str]) -> str:
    """A pattern for every way in which one of *secrets* may be written; "" for none.

    Where several fit, the longest is taken, but for those that are broken into lines.
    """
    known = sorted(_with_lines(secrets), key=lambda secret: (secret[0], -len(secret), secret))
    # Together by their first character, since alternatives are tried one by one.
    spelt = "|".join(
        f"(?={_character(first)})(?:{'|'.join(map(_spelt, group))})"
        if first != "\\"
        else "|".join(map(_spelt, group))
        for first, group in groupby(known, key=lambda secret: secret[0])
    )
    spaced = either(chain.from_iterable(map(_spaced, known)))
    broken = either(chain.from_iterable(map(_wrapped, known)), between=LINE_BREAK)
    return "|".join(filter(None, (spelt, spaced, broken)))


def forms(secret: str) -> Iterator[str]:
    """The usual ways in which *secret* is written; none for one that is too short."""
    if len(secret) >= SHORTEST_SECRET:
        once = dict.fromkeys(escape(secret) for escape in _ESCAPES)
        twice = dict.fromkeys(escape(form) for form in once for escape in _ESCAPES)
        yield from dict.fromkeys((*once, *twice, *_spaced(secret), *_wrapped(secret)))


class Glance:
    """Tells quickly of most texts that no secret is in them.

    A search for one literal text passes over most characters, a pattern looks at each.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = _with_lines(secrets)
        #: Each with letters and digits that it has in every escape.
        self._spelt = [(max(_CORE.findall(one), key=len, default=""), one) for one in known]
        self._spaced = frozenset(chain.from_iterable(map(_spaced, known)))
        self._wrapped = frozenset(chain.from_iterable(map(_wrapped, known)))

    def may_hold(self, text: str) -> bool:
        """Whether the pattern has to be asked."""
        if any(core in text and _one(secret).search(text) for core, secret in self._spelt):
            return True
        if any(form in text for form in self._spaced):
            return True
        on_one_line = _ANY_BREAK.sub("", text) if "\n" in text or "\\n" in text else text
        return any(form in on_one_line for form in self._wrapped)


@lru_cache(maxsize=4096)
def _one(secret: str) -> re.Pattern[str]:
    """Faster to search for than all together: it begins with what stands nowhere else."""
    return re.compile(_spelt(secret))


def _with_lines(secrets: Iterable[str]) -> frozenset[str]:
    """Those that are long enough, and the single lines of those that have several."""
    known = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
    lines = chain.from_iterable(
        secret.splitlines() for secret in known if len(secret.splitlines()) > 1
    )
    return frozenset({*known, *(line for line in lines if len(line) >= SHORTEST_SECRET_LINE)})


def _spelt(secret: str) -> str:
    # However many backslashes stand together, nobody tells which of them are the escapes.
    parts = re.split(r"(\\+)", secret)
    return "".join(
        r"(?:\\++|%5[Cc]|&#92;)++" if part[:1] == "\\" else "".join(map(_character, part))
        for part in parts
    )


@lru_cache(maxsize=1024)
def _character(character: str) -> str:
    """A pattern for every way of writing one character."""
    if character.isascii() and character.isalnum():
        return character
    code, data = ord(character), character.encode("utf-8", "surrogatepass")
    bytes_ = [f"{byte:02x}" for byte in data]
    usual = _BEFORE_THEMSELVES.get(character, re.escape(character))
    entity = f"&(?:amp;){{0,3}}(?:#0{{0,4}}{code}|#x0{{0,4}}{code:x}{_name(character)});"
    percent = "".join(f"%(?:25){{0,3}}{byte}" for byte in bytes_)
    ways = [usual, f"(?i:{entity}|{percent})", *_picture(code)]
    escapes = [_units(character), r"\\{1,8}".join(f"x{byte}" for byte in bytes_)]
    if code <= _HIGHEST_BYTE:
        escapes.append(f"x{code:02x}")
    if character in _LETTER_ESCAPES:
        escapes.append(_LETTER_ESCAPES[character])
    pattern = rf"(?:\\{{0,8}}(?:{'|'.join(ways)})|\\{{1,8}}(?i:{'|'.join(escapes)}))"
    # One before a line feed is dropped when a text is made harmless.
    return f"{pattern}?" if character == "\r" else pattern


def _name(character: str) -> str:
    """Its names in HTML and XML, as more alternatives."""
    names = (codepoint2name.get(ord(character), ""), "apos" if character == "'" else "")
    return "".join(f"|{name}" for name in names if name)


def _units(character: str) -> str:
    """As JSON escapes it: two of them where 16 bits are too few."""
    data = character.encode("utf-16-be", "surrogatepass")
    units = [data[at : at + 2].hex() for at in range(0, len(data), 2)]
    return r"\\{1,8}".join(f"u{unit}" for unit in units)


def _picture(code: int) -> Iterator[str]:
    """What stands for a control character once a text was made harmless."""
    if code < ord(" "):
        yield chr(_PICTURES + code)
    elif code == _DELETE:
        yield "␡"


_ESCAPES = (
    str,
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: shlex.quote(text).strip("'"),
    html.escape,
    lambda text: quote(text.encode("utf-8", "surrogatepass"), safe=""),
    lambda text: quote_plus(text.encode("utf-8", "surrogatepass")),
)


def _spaced(secret: str) -> Iterator[str]:
    data = secret.encode("utf-8", "surrogatepass")
    yield from (data.hex(":"), data.hex(" "), data.hex("x").replace("x", "\\x"))


def _wrapped(secret: str) -> Iterator[str]:
    data = secret.encode("utf-8", "surrogatepass")
    return (form for form in _encoded(data) if len(form) >= SHORTEST_SECRET)


def _encoded(data: bytes) -> Iterator[str]:
    yield from (data.hex(), data.hex().upper())
    # The characters that depend on the data alone, for each of its three alignments.
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode()
        # A character holds 6 bits; those shared with what stands before or after are unknown.
        first = -(-before * 8 // 6)
        last = (before + len(data)) * 8 // 6
        yield encoded[first:last]
        yield encoded[first:last].translate(_URL_SAFE)
