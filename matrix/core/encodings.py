"""How a secret may be written besides as it is. Pure.

| written as                                                            | found            |
|-----------------------------------------------------------------------|------------------|
| base64, both alphabets, with padding or not, inside a longer value too | also on several lines |
| hexadecimal, either case                                              | also on several lines |
| hexadecimal with ``:``, blanks or ``\\x`` between the bytes            |                  |
| percent escapes of a URL or a form, once or twice                     | either case      |
| JSON strings, once or twice; Python and shell quoting                 |                  |
| HTML and XML escapes, named or by number                              |                  |
| the single long lines of a secret of several lines                    |                  |
"""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from itertools import chain
from urllib.parse import quote, quote_plus

from matrix.core.literals import either

#: A secret shorter than this cannot be told from ordinary text and is left alone.
SHORTEST_SECRET = 4
#: A line of a secret of several lines (a private key) counts alone from this length on.
SHORTEST_SECRET_LINE = 16
#: How a long encoded value is broken into lines: as it is, or written as an escape itself.
LINE_BREAK = r"(?:\r?\n|\\n)?"

_ANY_BREAK = re.compile(r"\r?\n|\\n")
_NAMED = str.maketrans({"'": "&#39;", '"': "&#34;", "<": "&lt;", ">": "&gt;", "&": "&amp;"})
_URL_SAFE = str.maketrans("+/", "-_")


def secrets_pattern(secrets: Iterable[str]) -> str:
    """A pattern for every way in which one of *secrets* may be written; "" for none.

    Where several fit, the longest is taken.
    """
    known = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
    plain = either(chain.from_iterable(map(plain_forms, known)))
    broken = either(chain.from_iterable(map(wrapped_forms, known)), between=LINE_BREAK)
    return "|".join(filter(None, (plain, broken)))


def forms(secret: str) -> Iterator[str]:
    """Every way in which *secret* may be written on one line; none for one that is too short."""
    if len(secret) >= SHORTEST_SECRET:
        yield from plain_forms(secret)
        yield from wrapped_forms(secret)


def plain_forms(secret: str) -> Iterator[str]:
    """The ways that keep a secret on one line."""
    return (form for form in _plain(secret) if len(form) >= SHORTEST_SECRET)


def wrapped_forms(secret: str) -> Iterator[str]:
    """The ways that may break it into several."""
    return (form for form in _wrapped(secret) if len(form) >= SHORTEST_SECRET)


class Glance:
    """Tells quickly of most texts that no secret is in them.

    A search for one literal text passes over most characters, a pattern looks at each.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
        self._plain = frozenset(chain.from_iterable(map(plain_forms, known)))
        self._wrapped = frozenset(chain.from_iterable(map(wrapped_forms, known)))

    def may_hold(self, text: str) -> bool:
        """Whether the pattern has to be asked."""
        if any(form in text for form in self._plain):
            return True
        on_one_line = _ANY_BREAK.sub("", text) if "\n" in text or "\\n" in text else text
        return any(form in on_one_line for form in self._wrapped)


def _plain(secret: str) -> Iterator[str]:
    data = _bytes(secret)
    once = json.dumps(secret)[1:-1]
    yield from (secret, once, json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(once)[1:-1])
    yield from (repr(secret)[1:-1], shlex.quote(secret).strip("'"))
    yield from (html.escape(secret), html.escape(secret, quote=False), secret.translate(_NAMED))
    yield from _percent(data)
    yield from (data.hex(":"), data.hex(" "), data.hex("x").replace("x", "\\x"))
    if len(lines := secret.splitlines()) > 1:
        yield from (line for line in lines if len(line) >= SHORTEST_SECRET_LINE)


def _wrapped(secret: str) -> Iterator[str]:
    data = _bytes(secret)
    yield from (data.hex(), data.hex().upper())
    yield from _base64(data)


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")


def _percent(data: bytes) -> Iterator[str]:
    for form in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield from (form, quote(form, safe=""))
        yield re.sub("%..", lambda escape: escape[0].lower(), form)


def _base64(data: bytes) -> Iterator[str]:
    """The characters that depend on *data* alone, for each of its three alignments."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode()
        # A character holds 6 bits; those shared with what stands before or after are unknown.
        first = -(-before * 8 // 6)
        last = (before + len(data)) * 8 // 6
        yield encoded[first:last]
        yield encoded[first:last].translate(_URL_SAFE)
