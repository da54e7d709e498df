"""Failures that say the same, brought together. Pure.

Two messages say the same when they are equal after folding, in this order:

| found                                                  | becomes                            |
|--------------------------------------------------------|------------------------------------|
| name of an object of ours, ``mx-<run>-queue-qa-1``     | ``<name>``                         |
| path below /tmp, /var/tmp, /dev/shm, /run/user         | ``<path>``                         |
| any other absolute path                                | ``<path>/`` and its last part      |
| MAC address, and what stands for an address            | ``<address>``                      |
| date, time of day, both, with or without a zone        | ``<time>``                         |
| IPv6 and IPv4 address                                  | ``<address>``                      |
| UUID, digest, 0x…, hexadecimal of 8 or more, random id | ``<n>``                            |
| number after "exit", "status", "errno", "version" …    | stays: it is what was said         |
| version of three or more parts                         | stays                              |
| number with a unit of time or size                     | ``<duration>``, ``<size>``         |
| any other number that touches no letter: ports, counts | ``<n>``                            |
| white space                                            | one space                          |

The last part of a path stays because "/etc/a is not there" and "/etc/b is not there" are two
failures; ``sha256``, ``ipv6``, ``x86_64`` stay because a digit in a word is part of its name.
Every pattern takes time linear in the length of the text, whatever it is.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

from matrix.core.grid import Grid, GridCell
from matrix.core.history import Cluster
from matrix.core.model import CellId
from matrix.core.result import Attempt, CellResult, ProbeResult
from matrix.core.verdict import Verdict

#: Verdicts, of probes and of cells, that are to be explained.
BAD = frozenset({Verdict.FAILED, Verdict.ERROR, Verdict.MISSING, Verdict.WARNED})
#: Hexadecimal digits of a signature.
SIGNATURE_LENGTH = 16
#: Lines of pytest's explanation that are added to a bare "assert False".
MOST_WHERE_LINES = 8
#: Groups of digits that make a long word an identifier: names of ciphers have two.
DIGIT_GROUPS = 3

_CLOCK = r"\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?+"
_ZONE = r"(?:Z|\ ?(?:UTC|GMT)|\ ?[+-]\d\d:?\d\d)?+"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WEEKDAY = "(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ ])?+"
_NUMBER = r"\d++(?:,\d{3}){0,6}+(?:\.\d++)?+(?:[eE][+-]?\d++)?+"
_DURATION_UNIT = "(?:ns|us|µs|ms|milliseconds?|s|secs?|seconds?|mins?|m|minutes?|h|hours?|d|days?)"
_SIZE_UNIT = "(?:[KMGT]i?B|[kMGT]B|B|bytes?)"

_OURS = re.compile(r"(?<![\w-])mx-[0-9a-z]++(?:-[\w.]++)*+")
_PATH = re.compile(r"(?<![\w>:/.~-])(?:~|\.{1,2})?+/(?!/)([\w.+@%~=/-]++)")
_PASSING = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/")  # noqa: S108 - compared, not used
_TIME = re.compile(
    rf"(?<![\w.])(?:{_WEEKDAY}{_MONTH}[ ]{{1,2}}\d{{1,2}}(?:,?[ ]\d{{4}})?+[ ]{_CLOCK}"
    rf"(?:[ ]\d{{4}})?+|{_WEEKDAY}\d{{1,2}}[ ]{_MONTH}[ ]\d{{4}}[ ]{_CLOCK}"
    rf"|\d{{4}}-\d\d-\d\d(?:[T ]\d{{1,2}}:\d\d(?::\d\d(?:[.,]\d{{1,9}})?+)?+)?+|{_CLOCK})"
    rf"{_ZONE}(?!\w)"
)
#: What redaction puts in the place of one.
_STANDS_FOR_ADDRESS = re.compile(r"\[address-[0-9a-f]{8}\](?:/\d{1,2})?+")
_MAC = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,43}(?:%\w{1,32})?+(?![\w])")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?+(?!\w|\.\d)")
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?!\w)")
_DIGEST = re.compile(r"\b(sha\d{1,3}|md5):[0-9A-Za-z+/=]{16,}+", re.IGNORECASE)
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0[xX][0-9A-Fa-f]++|[0-9A-Fa-f]{8,}+)(?![0-9A-Za-z])")
_WORD = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{10,}+")
_QUANTITY = re.compile(
    r"\b(?P<code>(?:exit(?:ed)?|code|status|errno|signal|version|rc|https?(?:/\d(?:\.\d)?)?)"
    rf"(?:[ _-](?:code|status|with|by))?+[ :=(\[]{{1,4}}\d++(?:\.\d++)*+)"
    r"|(?<![\w.])(?P<version>\d++(?:\.\d++){2,}+)"
    rf"|(?<![\w.])(?P<duration>{_NUMBER}[ ]?+{_DURATION_UNIT}(?![\w]))"
    rf"|(?<![\w.])(?P<size>{_NUMBER}[ ]?+{_SIZE_UNIT}(?![\w]))"
    rf"|(?<![\w.])(?P<n>{_NUMBER})(?!\w)",
    re.IGNORECASE,
)
_AGAIN = re.compile(r"<duration>(?: <duration>)++")
#: What is left of a message that says nothing: a comparison of literals.
_BARE = re.compile(r"(?:assert|False|True|None|not|in|is|<\w++>|[^\w<]|<)++")
_WHERE = re.compile(r"E +\+ +((?:where|and) .*)")


def normalise(message: str) -> str:
    """*message* on one line with all that differs from run to run folded away."""
    folded = message
    for pattern, replacement in _FOLDS:
        folded = pattern.sub(replacement, folded)
    return " ".join(folded.split())


def signature(message: str) -> str:
    """Sixteen hexadecimal digits that are the same for messages that say the same."""
    return _signature(normalise(message))


def signature_of(result: ProbeResult) -> str:
    """The signature of what a probe said: the same in every run in which it says the same."""
    return _signature(normalised_message(result))


def normalised_message(result: ProbeResult) -> str:
    """What a probe said, folded.

    Of a bare ``assert False`` pytest's explanation, where the False came from, is a part: without
    it the most different failures would look alike.
    """
    folded = normalise(result.message or result.detail.partition("\n")[0] or result.reason)
    if not _BARE.fullmatch(folded):
        return folded
    where = [found[1] for found in map(_WHERE.match, result.detail.splitlines()) if found]
    return normalise(" ".join((folded, *where[:MOST_WHERE_LINES])))


def find_clusters(grid: Grid) -> tuple[Cluster, ...]:
    """What fails in *grid* now, most cells first. STALE cells say nothing about now."""
    said: dict[str, list[_Said]] = defaultdict(list)
    for cell in grid.cells.values():
        for one in _said_by(cell):
            said[one.message].append(one)
    clusters = (_cluster(message, ones) for message, ones in said.items())
    return tuple(
        sorted(clusters, key=lambda one: (-len(one.cells), -one.count, one.message, one.signature))
    )


def deciding(result: CellResult) -> tuple[Attempt, ...]:
    """The last attempt on each host."""
    return tuple({attempt.host: attempt for attempt in result.attempts}.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """One failure of one cell."""

    cell: CellId
    #: Id of the probe, "" for the cell as a whole.
    probe: str
    #: Folded.
    message: str


def _said_by(cell: GridCell) -> Iterator[_Said]:
    if cell.result is None or cell.verdict not in BAD:
        return
    blamed = False
    for attempt in deciding(cell.result):
        for probe in attempt.probes:
            if probe.verdict in BAD:
                blamed = True
                yield _Said(cell=cell.cell, probe=probe.id, message=normalised_message(probe))
    if not blamed:
        message = normalise(cell.message or cell.reason)
        yield _Said(cell=cell.cell, probe="", message=message)


def _cluster(message: str, said: Iterable[_Said]) -> Cluster:
    ones = tuple(said)
    return Cluster(
        signature=_signature(message),
        message=message,
        cells=tuple(dict.fromkeys(one.cell for one in ones)),
        probes=tuple(sorted({one.probe for one in ones if one.probe})),
        count=len(ones),
    )


def _signature(normalised: str) -> str:
    return hashlib.sha256(normalised.encode("utf-8", "backslashreplace")).hexdigest()[
        :SIGNATURE_LENGTH
    ]


def _fold_path(found: re.Match[str]) -> str:
    if found[0].startswith(_PASSING):
        return "<path>"
    return f"<path>/{found[0].rpartition('/')[2]}"


def _fold_ipv6(found: re.Match[str]) -> str:
    address, _, _ = found[0].partition("%")
    bare = address.rstrip(":.") if not address.endswith("::") else address
    try:
        IPv6Address(bare)
    except AddressValueError:
        return found[0]
    return f"<address>{'' if '%' in found[0] else address[len(bare) :]}"


def _fold_hex(found: re.Match[str]) -> str:
    token = found[0]
    return "<n>" if any(map(str.isdigit, token)) or len(token) > SIGNATURE_LENGTH else token


def _fold_word(found: re.Match[str]) -> str:
    groups = len(re.findall("[0-9]+", found[0]))
    return "<n>" if groups >= DIGIT_GROUPS else found[0]


def _fold_quantity(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    return found[0] if kind in ("code", "version") else f"<{kind}>"


_Fold = str | Callable[[re.Match[str]], str]
_FOLDS: tuple[tuple[re.Pattern[str], _Fold], ...] = (
    (_OURS, "<name>"),
    (_STANDS_FOR_ADDRESS, "<address>"),
    (_PATH, _fold_path),
    # Before times: the end of one may look like a clock.
    (_MAC, "<address>"),
    (_TIME, "<time>"),
    (_IPV6, _fold_ipv6),
    (_IPV4, "<address>"),
    (_UUID, "<n>"),
    (_DIGEST, r"\1:<n>"),
    (_HEX, _fold_hex),
    (_WORD, _fold_word),
    (_QUANTITY, _fold_quantity),
    (_AGAIN, "<duration>"),
)
