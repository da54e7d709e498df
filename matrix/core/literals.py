"""One pattern for many literal texts. Pure; knows nothing of what they are.

``re`` tries the alternatives of ``a|b|c`` one after another at every place. Written as a tree of
their common beginnings, a thousand of them cost little more than one. The longest that fits is
taken, as a greedy pattern does.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

#: Branches within one another; deeper ones are written flat, since ``re`` nests only so far.
DEEPEST = 20


def either(literals: Iterable[str], *, between: str = "") -> str:
    """A pattern that matches the longest of *literals*, "" for none.

    *between* is a pattern that may stand between any two characters.
    """
    words = sorted({literal for literal in literals if literal})
    return _branch(words, between, "", DEEPEST) if words else ""


def _branch(words: Sequence[str], between: str, lead: str, depth: int) -> str:
    """Words that are sorted, no two of them the same; *lead* comes before each that is not empty.

    Of sorted words the first and the last have in common what all of them have.
    """
    common = _common(words[0], words[-1])
    if common:
        rest = [word[len(common) :] for word in words]
        tail = _branch(rest, between, between, depth) if len(rest) > 1 else ""
        return f"{lead}{_literal(common, between)}{tail}"
    longer = [word for word in words if word]
    body = f"{lead}(?:{'|'.join(_alternatives(longer, between, depth))})"
    return body if len(longer) == len(words) else f"(?:{body})?"


def _common(one: str, other: str) -> str:
    """What both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    end = next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
    return one[:end]


def _alternatives(words: Sequence[str], between: str, depth: int) -> list[str]:
    if depth == 0:
        return [_literal(word, between) for word in sorted(words, key=len, reverse=True)]
    return [
        _branch(list(group), between, "", depth - 1)
        for _, group in groupby(words, key=lambda word: word[0])
    ]


def _literal(word: str, between: str) -> str:
    return between.join(map(re.escape, word)) if between else re.escape(word)
