"""What a customer's machine is called and what it keeps secret, taken out of a text. Pure.

Besides the secrets that are known, everything is taken out that looks like one, and names and
addresses become tokens. A token is made with a key that stays with the customer: the same machine
has the same token in every result, and nobody else can tell which.

| found                                             | becomes               | counted as    |
|---------------------------------------------------|-----------------------|---------------|
| a known secret, however it is written (encodings) | ``[redacted]``        | secret        |
| the half of one where a text was cut              | ``[redacted]``        | secret        |
| what the customer named, likewise, and as a word  | ``[redacted]``        | chosen        |
| a private key between its marks, or cut off       | ``[redacted]``        | key           |
| user and password in a URL                        | ``[redacted]@``       | credentials   |
| ``password=…``, ``token: …`` and the like         | the value redacted    | secret        |
| tokens of well-known forms                        | ``[redacted]``        | token         |
| a name of this machine or its network             | ``[host-1a2b3c4d]``   | name          |
| the name of an account                            | ``[account-1a2b3c4d]``| name          |
| an IP or MAC address but those below              | ``[address-1a2b3c4d]``| address       |

Loopback and unspecified addresses say nothing about anybody and stay. What stands in brackets as
above is ours and is never looked into again, so that redacting twice changes nothing.
"""

import hashlib
import hmac
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from matrix.core.encodings import Glance, forms, secrets_pattern
from matrix.core.fragments import Fragments
from matrix.core.literals import either
from matrix.core.lookalikes import (
    STANDS_IN,
    WORD_END,
    WORD_START,
    take_out_addresses,
    take_out_secrets,
)
from matrix.core.text import REDACTED, neutralise

#: Hexadecimal digits of a token: enough to tell machines apart, too few to try names out on.
TOKEN_DIGITS = 8
#: A name shorter than this is found in too many words.
SHORTEST_NAME = 3
#: A word of the customer's from this length on is taken out of longer words too.
LONG_WORD = 8
#: Names that many machines and accounts have, which tell nobody which one.
COMMON_NAMES = frozenset(
    {
        *("localhost", "localdomain", "ip6-localhost", "ip6-loopback", "ip6-localnet", "local"),
        *("ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "host", "here", "root", "admin"),
        *("user", "nobody", "daemon", "docker", "podman", "linux", "debian", "ubuntu", "server"),
        *("lan", "home", "test", "none", "unknown"),
    }
)
#: Rounds after which what is left stays: a round finds what the one before has brought together.
ROUNDS = 3

# What our own programs write where they cut a text, and what pytest does.
_CUT = re.compile(r"\n?\[?(?:…|\.{3})\]?\n?")

#: Kind → how often something of it was taken out.
Taken = Counter[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """How often something of one kind was taken out of what is known about one place."""

    kind: str
    #: A cell, as ``queue@acme``; an environment for what was found out about it; ``leftovers``;
    #: "" for the run's own heading.
    where: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """Everything that is taken out because somebody named it."""

    secrets: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    #: Names that stay: what the sender calls things.
    spared: frozenset[str] = frozenset()


class Redactor:
    """Makes texts fit to leave the machine; any thread may use it.

    *key* stays with the customer. *names* are those of the machine and its network, *accounts*
    those of people on it. *chosen* are words the customer wants out besides.
    """

    def __init__(
        self,
        key: bytes,
        *,
        secrets: Iterable[str] = (),
        names: Iterable[str] = (),
        accounts: Iterable[str] = (),
        chosen: Iterable[str] = (),
    ) -> None:
        self._key = key
        self._learning = threading.Lock()
        self._known = _Known(
            secrets=frozenset(secrets),
            chosen=frozenset(filter(None, chosen)),
            names=_telling(names),
            accounts=_telling(accounts),
        )
        self._steps = self._compile(self._known)

    def learn(
        self,
        *,
        secrets: Iterable[str] = (),
        names: Iterable[str] = (),
        spared: Iterable[str] = (),
    ) -> None:
        """Take out more from now on; names that are *spared* stay, whoever has told them."""
        with self._learning:
            known = replace(
                self._known,
                secrets=self._known.secrets.union(secrets),
                names=self._known.names | _telling(names),
                spared=self._known.spared.union(name.lower() for name in spared),
            )
            if known != self._known:
                self._known, self._steps = known, self._compile(known)

    def __call__(self, text: str) -> str:
        """*text* neutralised and without what may not leave."""
        return self.take_out(text)[0]

    def take_out(self, text: str) -> tuple[str, Taken]:
        """*text* as from calling this, and how often something was taken out of it."""
        taken: Taken = Counter()
        once = neutralise(self._round(text, taken))
        # A colour sequence in the middle of a secret hid it until it was dropped.
        return (text if once == text else self._rounds(once, taken)), +taken

    def hide(self, text: str) -> str:
        """*text* without what may not leave; its control characters stay, for a terminal."""
        return self._rounds(text, Counter())

    def token(self, kind: str, value: str) -> str:
        """The stable stand-in for a name or an address."""
        return f"[{kind}-{self.digest(kind, value)[:TOKEN_DIGITS]}]"

    def digest(self, kind: str, value: str) -> str:
        """64 hexadecimal digits that stand for *value*, whatever its case."""
        message = f"{kind}:{value.lower()}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()

    def _address(self, address: str) -> str:
        return self.token("address", address)

    def _rounds(self, text: str, taken: Taken) -> str:
        for _ in range(ROUNDS):
            before, text = text, self._round(text, taken)
            if text == before:
                break
        return text

    def _round(self, text: str, taken: Taken) -> str:
        for step in self._steps:
            text = step(text, taken)
        return text

    def _compile(self, known: _Known) -> "Sequence[_Step]":
        return (
            _known_step(known),
            _fragment_step(known),
            take_out_secrets,
            _words_step(known.chosen, lambda _: REDACTED, kind="chosen"),
            _words_step(
                known.accounts - known.spared,
                lambda name: self.token("account", name),
                kind="name",
            ),
            _names_step(known.names - known.spared, lambda name: self.token("host", name)),
            lambda text, taken: take_out_addresses(text, taken, self._address),
        )


#: Takes something out of a text and counts it.
_Step = Callable[[str, Taken], str]
#: What is to stand for something that was found.
_Instead = Callable[[str], str]


def _known_step(known: _Known) -> _Step:
    """Whatever is known to be secret, however it is written."""
    short = {word for word in known.chosen if len(word) < LONG_WORD}
    # A short word as it is stands in too many others; encoded it does not.
    encoded = (form for word in short for form in forms(word) if len(form) > len(word))
    patterns = {
        "secret": secrets_pattern(known.secrets),
        "chosen": secrets_pattern(known.chosen - short),
        "encoded": either(encoded),
    }
    named = [f"(?P<{kind}>{pattern})" for kind, pattern in patterns.items() if pattern]
    if not named:
        return lambda text, _: text
    pattern = re.compile("|".join((f"(?P<ours>{STANDS_IN})", *named)))
    look = Glance(known.secrets | known.chosen)

    def step(text: str, taken: Taken) -> str:
        def instead(match: re.Match[str]) -> str:
            if match["ours"]:
                return match[0]
            taken["secret" if match.lastgroup == "secret" else "chosen"] += 1
            return REDACTED

        return pattern.sub(instead, text) if look.may_hold(text) else text

    return step


def _fragment_step(known: _Known) -> _Step:
    """The halves of known secrets beside each place where a text was cut."""
    long = {word for word in known.chosen if len(word) >= LONG_WORD}
    fragments = Fragments(form for secret in known.secrets | long for form in forms(secret))

    def step(text: str, taken: Taken) -> str:
        pieces, done = [], 0
        for cut, behind in _cuts(text):
            if cut < done:
                continue
            first, last = max(done, fragments.before(text, cut)), fragments.behind(text, behind)
            before, after = REDACTED * (first < cut), REDACTED * (last > behind)
            taken["secret"] += bool(before) + bool(after)
            pieces += [text[done:first], before, text[cut:behind], after]
            done = last
        return "".join((*pieces, text[done:]))

    return step


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    """Where something was cut off, and where it goes on behind the mark of that."""
    yield 0, 0
    if "…" in text or "..." in text:
        yield from (mark.span() for mark in _CUT.finditer(text))
    yield len(text), len(text)


def _words_step(words: Iterable[str], instead: _Instead, *, kind: str) -> _Step:
    """Whole words, whatever their case."""
    lowered = frozenset(word.lower() for word in words)
    return _finding(lowered, either(lowered), instead, kind=kind)


def _names_step(names: Iterable[str], instead: _Instead) -> _Step:
    """Names of machines, and of every machine in a domain that is named."""
    lowered = frozenset(name.lower() for name in names)
    domains = either(name for name in lowered if "." in name)
    within = rf"(?:[\w-]{{1,63}}+\.){{0,8}}?{domains}|" if domains else ""
    return _finding(lowered, f"{within}{either(lowered)}", instead, kind="name")


def _finding(words: frozenset[str], pattern: str, instead: _Instead, *, kind: str) -> _Step:
    if not words:
        return lambda text, _: text
    found = re.compile(f"(?P<ours>{STANDS_IN})|{WORD_START}(?:{pattern}){WORD_END}", re.IGNORECASE)

    def step(text: str, taken: Taken) -> str:
        def stand_in(match: re.Match[str]) -> str:
            if match["ours"]:
                return match[0]
            taken[kind] += 1
            return instead(match[0])

        lowered = text.lower()
        if not any(word in lowered for word in words):
            return text
        return found.sub(stand_in, text)

    return step


def _telling(names: Iterable[str]) -> frozenset[str]:
    """Those that tell which machine it is."""
    lowered = (name.lower() for name in names)
    return frozenset(
        name for name in lowered if len(name) >= SHORTEST_NAME and name not in COMMON_NAMES
    )
