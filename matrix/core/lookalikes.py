"""What looks like a secret or an address, whoever it belongs to. Pure.

Every pattern takes time linear in the length of the text: a repetition is possessive, bounded, or
over characters that the next part cannot start with.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable

from matrix.core.text import REDACTED

#: What we put in place of something; a pattern.
STANDS_IN = r"\[(?:redacted|(?:host|address|account|engine)-[0-9a-f]{8})\]"
#: A word begins here, also behind an escape: ``\\n``, ``%2F``.
WORD_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
WORD_END = r"(?![A-Za-z0-9])"

_ONLY_OURS = re.compile(f"(?:{STANDS_IN})++")
_QUOTE = r"(?:\\{0,4}[\"']|&quot;|&\#3[49];|%2[27])"
_KEY_MARK = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_KEY = re.compile(
    rf"-----BEGIN {_KEY_MARK}"
    # Up to its end; where that was cut off, what may be part of it.
    rf"(?:(?:[^-]|-(?!----)){{0,20000}}+-----END {_KEY_MARK}|(?:[A-Za-z0-9+/=\s\\]|-(?!----))*+)"
)
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@'\"<>]{1,512}@")
_NAMED = re.compile(
    r"(?P<name>(?:passw(?:or)?d|pass(?:phrase|code)|pgpass|secret|token|credential"
    r"|(?:api|access|private|auth|encryption|secret)[_-]?key)s?"
    rf"{_QUOTE}?+\s{{0,4}}(?:[:=]>?|%3[AD])\s{{0,4}})"
    rf"(?:(?P<open>{_QUOTE})(?P<quoted>[^\"'\n\\&]{{4,1000}}+)|(?P<bare>[^\s\"',;&\\]{{4,}}+))",
    re.IGNORECASE,
)
_AUTHORIZATION = re.compile(
    r"(?P<name>\b(?:bearer|basic|negotiate)\s{1,4})[A-Za-z0-9+/=._~-]{16,}+", re.IGNORECASE
)
_TOKENS = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_[A-Za-z0-9_]{20,}+|glpat-[\w-]{20,}+"
    r"|A[KS]IA[0-9A-Z]{16}|xox[abeprs]-[A-Za-z0-9-]{10,}+|sk-[A-Za-z0-9_-]{20,}+"
    r"|AIza[\w-]{35}|npm_[A-Za-z0-9]{36}|hvs\.[\w-]{20,}+"
    r"|(?<![\w-])eyJ[\w-]{10,}+\.[\w-]{10,}+\.[\w-]*+)"
)
_SPELT = r"(?:(?<![\w:.])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_MAC = re.compile(_SPELT + r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![\w:])")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)")
_IPV6 = re.compile(_SPELT + r"(?:[0-9A-Fa-f]{0,4}:){2,7}+[0-9A-Fa-f]{0,4}(?![\w:])")
#: Pattern, and the character between the parts of such an address, as often as it is in one.
_ADDRESSES = ((_MAC, ":::::"), (_MAC, "-----"), (_IPV4, "..."), (_IPV6, "::"))


#: Pattern, what it is counted as, and what must be in a text, in small letters, to look for it:
#: a search for one literal text passes over most characters, a pattern looks at each.
_SECRETS = (
    (_KEY, "key", ("-----begin ",)),
    (_CREDENTIALS, "credentials", ("://",)),
    (_NAMED, "secret", ("pass", "secret", "token", "credential", "_key", "-key", "ikey", "skey")),
    (_AUTHORIZATION, "token", ("bearer", "basic", "negotiate")),
    (_TOKENS, "token", ("_", "glpat-", "kia", "sia", "xox", "sk-", "aiza", "hvs.", "eyj")),
)


def take_out_secrets(text: str, taken: Counter[str]) -> str:
    """*text* without what looks like a key, a password or a token; counts it by kind."""
    lowered = text.lower()
    for pattern, kind, hints in _SECRETS:
        if any(hint in lowered for hint in hints):
            text = _take_out(pattern, text, taken, kind)
    return text


def take_out_addresses(text: str, taken: Counter[str], instead: Callable[[str], str]) -> str:
    """*text* with addresses replaced by what *instead* gives for their usual spelling."""

    def stand_in(match: re.Match[str]) -> str:
        address = _usual_spelling(match[0])
        if address is None:
            return match[0]
        taken["address"] += 1
        return instead(address)

    for pattern, least in _ADDRESSES:
        if text.count(least[0]) >= len(least):
            text = pattern.sub(stand_in, text)
    return text


def _take_out(pattern: re.Pattern[str], text: str, taken: Counter[str], kind: str) -> str:
    def instead(match: re.Match[str]) -> str:
        found = match.groupdict()
        name, at = found.get("name") or "", "@" if kind == "credentials" else ""
        opening = found.get("open") or ""
        value = match[0][len(name) + len(opening) :].removesuffix(at)
        if _ONLY_OURS.fullmatch(value):
            return match[0]
        taken[kind] += 1
        return f"{name}{opening}{REDACTED}{at}"

    return pattern.sub(instead, text)


def _usual_spelling(text: str) -> str | None:
    """An address as it is mostly written; None for one that tells nothing, or for none at all."""
    if _MAC.fullmatch(text):
        return text.replace("-", ":").lower()
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        # A time of day, a version.
        return None
    tells = not (address.is_loopback or address.is_unspecified or text.startswith("255."))
    return address.compressed if tells else None
