"""What a customer's machine is called and what it keeps secret, taken out of a text. Pure.

Besides the secrets that are known (``core.text.redact``), everything is taken out that looks like
one, and names and addresses become tokens. A token is made with a key that stays with the
customer: the same machine has the same token in every result, and nobody else can tell which.

| found                                             | becomes               | counted as    |
|---------------------------------------------------|-----------------------|---------------|
| a known secret, plain or encoded                  | ``[redacted]``        | secret        |
| a private key between its marks, or cut off       | ``[redacted]``        | key           |
| user and password in a URL                        | ``[redacted]@``       | credentials   |
| ``password=…``, ``token: …`` and the like         | the value redacted    | secret        |
| tokens of well-known forms                        | ``[redacted]``        | token         |
| what the customer named                           | ``[redacted]``        | chosen        |
| a name of this machine or its network             | ``host-1a2b3c4d``     | name          |
| an IP or MAC address but those below              | ``address-1a2b3c4d``  | address       |

Loopback and unspecified addresses say nothing about anybody and stay.
"""

import hashlib
import hmac
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterable

from matrix.core.text import REDACTED, neutralise, redact

#: Hexadecimal digits of a token: enough to tell machines apart, too few to try names out on.
TOKEN_DIGITS = 8
#: A name shorter than this is found in too many words.
SHORTEST_NAME = 3
#: Names that every machine has.
COMMON_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback", "local", "host", "here"})

# Every repetition is bounded or over characters that the next part cannot start with.
_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?!-----BEGIN )[\s\S]){0,20000}?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
)
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@:'\"]{0,256}:[^\s/@'\"]{0,256}@")
_NAMED = re.compile(
    r"(?i)((?:password|passwd|passphrase|secret|token|api[_-]?key|credential)s?['\"]?"
    r"\s{0,4}[:=]\s{0,4}['\"]?)([^\s'\",;&]{4,512})"
)
_TOKENS = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|glpat-[\w-]{20,255}"
    r"|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|xox[abeprs]-[A-Za-z0-9-]{10,255}"
    r"|sk-[A-Za-z0-9_-]{20,255}|eyJ[\w-]{10,2000}\.[\w-]{10,4000}\.[\w-]{0,1000})"
    r"|(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9+/=._~-]{16,2000}"
)
_MAC = re.compile(r"(?<![\w:])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![\w:])")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")


class Redactor:
    """Makes texts fit to leave the machine, and counts what was taken out of them.

    *key* stays with the customer. *names* are those of the machine and its network. *chosen* are
    words the customer wants out besides.
    """

    def __init__(
        self,
        key: bytes,
        *,
        secrets: Iterable[str] = (),
        names: Iterable[str] = (),
        chosen: Iterable[str] = (),
    ) -> None:
        self._key = key
        self._secrets = tuple(secrets)
        self._chosen = _words(chosen)
        self._names = _words(
            name for name in names if len(name) >= SHORTEST_NAME and name not in COMMON_NAMES
        )
        #: Kind → how often something of it was taken out.
        self.removed: Counter[str] = Counter()

    def __call__(self, text: str) -> str:
        """*text* neutralised and without what may not leave."""
        return self._redact(neutralise(self._redact(text)))

    def token(self, kind: str, value: str) -> str:
        """The stable stand-in for a name or an address."""
        digest = hmac.new(self._key, f"{kind}:{value.lower()}".encode(), hashlib.sha256)
        return f"{kind}-{digest.hexdigest()[:TOKEN_DIGITS]}"

    def _redact(self, text: str) -> str:
        known = redact(text, self._secrets)
        self.removed["secret"] += known.count(REDACTED) - text.count(REDACTED)
        text = self._out(_KEY, known, "key")
        text = self._out(_CREDENTIALS, text, "credentials", f"{REDACTED}@")
        text = self._replace(_NAMED, text, self._named)
        text = self._out(_TOKENS, text, "token")
        if self._chosen:
            text = self._out(self._chosen, text, "chosen")
        if self._names:
            text = self._replace(self._names, text, self._name)
        text = self._replace(_MAC, text, self._address)
        text = self._replace(_IPV4, text, self._address)
        return self._replace(_IPV6, text, self._address)

    def _out(self, pattern: re.Pattern[str], text: str, kind: str, instead: str = REDACTED) -> str:
        found, count = pattern.subn(instead, text)
        self.removed[kind] += count
        return found

    @staticmethod
    def _replace(
        pattern: re.Pattern[str], text: str, instead: Callable[[re.Match[str]], str]
    ) -> str:
        return pattern.sub(instead, text)

    def _named(self, match: re.Match[str]) -> str:
        if match[2].startswith(REDACTED[:4]):
            return match[0]
        self.removed["secret"] += 1
        return f"{match[1]}{REDACTED}"

    def _name(self, match: re.Match[str]) -> str:
        self.removed["name"] += 1
        return self.token("host", match[0])

    def _address(self, match: re.Match[str]) -> str:
        if _says_nothing(match[0]):
            return match[0]
        self.removed["address"] += 1
        return self.token("address", match[0])


def _words(words: Iterable[str]) -> re.Pattern[str] | None:
    """Whole words, the longest first, whatever their case."""
    ordered = sorted({word for word in words if word}, key=lambda word: (-len(word), word))
    if not ordered:
        return None
    either = "|".join(map(re.escape, ordered))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])", re.IGNORECASE)


def _says_nothing(text: str) -> bool:
    """Whether it is loopback, unspecified, a mask, or no address at all."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        # A MAC address is none of these, and neither is "12:30:45".
        return _MAC.fullmatch(text) is None
    return address.is_loopback or address.is_unspecified or text.startswith("255.")
