"""Pieces of known texts that were cut in two. Pure; knows nothing of what they are.

Where a text was cut, the beginning of a known one may stand before the cut and its end behind it.
Each cut takes one look into a table, however many texts are known; what is found is compared at
most CANDIDATES times. A piece shorter than SHORTEST is not told from other text.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

#: Characters a piece must have.
SHORTEST = 6
#: A known text longer than this is not looked for in pieces.
LONGEST = 8192
#: Pieces with the same characters at the cut that are compared: a text that repeats itself has
#: many, and the longest are what matters.
CANDIDATES = 8

#: Text and length of a piece of it.
_Pieces = dict[str, list[tuple[str, int]]]


class Fragments:
    """Finds where pieces of *known* texts begin or end at a cut."""

    def __init__(self, known: Iterable[str]) -> None:
        whole = sorted({text for text in known if SHORTEST < len(text) <= LONGEST})
        self._before = _table(whole, _at_end_of_beginning)
        self._behind = _table(whole, _at_start_of_ending)

    def before(self, text: str, cut: int) -> int:
        """Where the beginning of a known text begins that ends at *cut*; *cut* for none."""
        for known, length in self._before.get(text[max(0, cut - SHORTEST) : cut], ()):
            if length <= cut and text.startswith(known[:length], cut - length):
                return cut - length
        return cut

    def behind(self, text: str, cut: int) -> int:
        """Where the end of a known text ends that begins at *cut*; *cut* for none."""
        for known, length in self._behind.get(text[cut : cut + SHORTEST], ()):
            if text.startswith(known[-length:], cut):
                return cut + length
        return cut


def _table(whole: Iterable[str], characters: Callable[[str, int], str]) -> _Pieces:
    """By the *characters* at the cut of a piece of some length, the longest pieces first."""
    table: _Pieces = defaultdict(list)
    pieces = ((text, length) for text in whole for length in range(SHORTEST, len(text)))
    for text, length in sorted(pieces, key=lambda piece: -piece[1]):
        candidates = table[characters(text, length)]
        if len(candidates) < CANDIDATES:
            candidates.append((text, length))
    return dict(table)


def _at_end_of_beginning(text: str, length: int) -> str:
    return text[length - SHORTEST : length]


def _at_start_of_ending(text: str, length: int) -> str:
    return text[len(text) - length :][:SHORTEST]
