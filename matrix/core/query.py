"""The query language of the grid, for ``matrix grid`` and for the page. Pure.

| word                          | means cells                                                     |
|-------------------------------|-----------------------------------------------------------------|
| ``status:failed,error``       | with one of these verdicts                                      |
| ``service:queue``             | of this row                                                     |
| ``owner:team-*``              | of rows that belong to them                                     |
| ``env:acme-*``                | of these columns                                                |
| ``cell:queue@acme-*``         | with such an id                                                 |
| ``kind:customer``             | on such a kind of machine                                       |
| ``engine:podman`` ``arch:arm*`` | on such an engine, such an architecture                       |
| ``label:site=acme`` ``label:site`` | on environments with this label                            |
| ``reason:exited``             | with this short reason                                          |
| ``fails:one``                 | that FAILED, as the only one of their row                       |
| ``fails:all``                 | that FAILED with all of their row that say anything: two or more |
| ``is:changed`` …              | changed, flaky, waived, reported (by a customer), reused,       |
|                               | running, problem, green                                         |
| ``age:>7d``                   | measured so long ago; ``> < >= <=`` and ``s m h d w``            |
| ``word`` ``"two words"``      | whose id, titles, reason or message has it                      |
| ``-word``                     | that it does not mean                                           |

All words hold; values behind one key, with commas between, are alternatives. Values are patterns
(``*``, ``?``) and, like plain words, know no upper and lower case. tests/builders/queries.json
holds this and the page's script to the same cells.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import translate

from matrix.core.errors import UsageError
from matrix.core.model import CellId
from matrix.core.verdict import Verdict

STATUSES = ("failed", "error", "missing", "stale", "warned", "unsupported", "passed")
_PROBLEMS = frozenset({Verdict.FAILED, Verdict.ERROR, Verdict.MISSING, Verdict.STALE})
_GREEN = frozenset({Verdict.PASSED, Verdict.WARNED})
_KNOWN = _GREEN | {Verdict.FAILED}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What can be asked of one cell."""

    cell: CellId
    verdict: Verdict
    reason: str
    message: str
    service_title: str = ""
    environment_title: str = ""
    #: Of the service; "" when nobody is named.
    owner: str = ""
    kind: str
    engine: str
    #: "" when nobody has asked the environment.
    architecture: str
    labels: Mapping[str, str] = field(default_factory=dict)
    flaky: bool
    changed: bool
    waived: bool
    #: Whether it is a customer's own word.
    reported: bool = False
    reused: bool
    running: bool
    #: None when it was never measured.
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """How the cells of one service stand together."""

    failed: int
    #: Cells that say something about the service.
    known: int


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What a word is held against: one cell, its row, and the time."""

    cell: Asked
    row: Row
    now: datetime


Test = Callable[[View], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One word of a query."""

    #: "" for a plain word.
    key: str
    #: Alternatives; one for a plain word.
    values: tuple[str, ...]
    #: Whether it means the other cells.
    negated: bool


def parse(text: str) -> tuple[Word, ...]:
    """The words of a query; raises UsageError, saying what is allowed, for one that means nothing.

    No word at all means every cell.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"a query has at most {_LONGEST} characters")
    words = tuple(map(_word, _split(text)))
    for word in words:
        _test(word)
    return words


def select_cells(
    cells: Sequence[Asked], words: Iterable[Word], *, now: datetime
) -> tuple[Asked, ...]:
    """Those of *cells*, a whole grid, that every word means; in their order."""
    rows = _rows(cells)
    tests = [(_test(word), word.negated) for word in words]
    return tuple(
        cell
        for cell in cells
        for view in (View(cell=cell, row=rows[cell.cell.service], now=now),)
        if all(test(view) is not negated for test, negated in tests)
    )


def _split(text: str) -> list[str]:
    words = re.findall(r'-?"[^"]*"|\S+', text)
    if any(word.count('"') % 2 for word in words):
        raise UsageError('a quote is not closed (write "two words")')
    return words


def _word(text: str) -> Word:
    negated = len(text) > 1 and text.startswith("-")
    bare = text[1:] if negated else text
    found = re.fullmatch(r"([a-zA-Z]+):(.*)", bare, re.DOTALL)
    if found is None:
        return Word(key="", values=(bare.replace('"', ""),), negated=negated)
    values = tuple(value for value in found[2].split(",") if value)
    return Word(key=found[1].lower(), values=values, negated=negated)


def _test(word: Word) -> Test:
    if not word.key:
        return _plain(word.values[0].lower())
    if word.key not in KEYS:
        raise UsageError(f'no key is called "{word.key}" (known: {", ".join(KEYS)})')
    if not word.values:
        raise UsageError(f'"{word.key}:" says nothing (write for example: {EXAMPLES[word.key]})')
    return KEYS[word.key](word.values)


def _plain(wanted: str) -> Test:
    def test(view: View) -> bool:
        cell = view.cell
        told = (cell.service_title, cell.environment_title, cell.reason, cell.message)
        return any(wanted in text.lower() for text in (str(cell.cell), *told))

    return test


def _pattern(value: str) -> re.Pattern[str]:
    # In a query [ is a letter as others; translate() sees to it that many stars cost no more.
    return re.compile(translate(value.replace("[", "[[]")), re.IGNORECASE)


def _text(read: Callable[[Asked], str]) -> Callable[[Sequence[str]], Test]:
    def make(values: Sequence[str]) -> Test:
        patterns = tuple(map(_pattern, values))
        return lambda view: any(one.fullmatch(read(view.cell)) for one in patterns)

    return make


def _status(values: Sequence[str]) -> Test:
    for value in values:
        if value.lower() not in STATUSES:
            raise UsageError(f'no status is called "{value}" (known: {", ".join(STATUSES)})')
    wanted = {Verdict(value.upper()) for value in values}
    return lambda view: view.cell.verdict in wanted


def _is(values: Sequence[str]) -> Test:
    for value in values:
        if value.lower() not in STATES:
            raise UsageError(f'nothing is "{value}" (known: {", ".join(STATES)})')
    states = [STATES[value.lower()] for value in values]
    return lambda view: any(state(view.cell) for state in states)


def _fails(values: Sequence[str]) -> Test:
    for value in values:
        if value.lower() not in FAILS:
            raise UsageError(f'"fails" knows one and all (not "{value}")')
    asked = [FAILS[value.lower()] for value in values]
    return lambda view: (
        view.cell.verdict is Verdict.FAILED and any(holds(view.row) for holds in asked)
    )


def _label(values: Sequence[str]) -> Test:
    wanted = []
    for value in values:
        name, equals, asked = value.partition("=")
        wanted.append((_pattern(name), _pattern(asked if equals else "*")))
    return lambda view: any(
        name.fullmatch(label) and asked.fullmatch(value)
        for label, value in view.cell.labels.items()
        for name, asked in wanted
    )


def _age(values: Sequence[str]) -> Test:
    asked = []
    for value in values:
        found = re.fullmatch(r"([<>]=?)([0-9]{1,12}(?:\.[0-9]{1,12})?)([smhdwSMHDW])", value)
        if found is None:
            raise UsageError(
                f'an age is written like >7d (not "{value}": one of < > <= >=, a number, one of'
                f" {' '.join(_UNITS)})"
            )
        asked.append((COMPARISONS[found[1]], float(found[2]) * _UNITS[found[3].lower()]))

    def test(view: View) -> bool:
        if view.cell.finished_at is None:
            return False
        seconds = (view.now - view.cell.finished_at).total_seconds()
        return any(compare(seconds, than) for compare, than in asked)

    return test


def _rows(cells: Iterable[Asked]) -> dict[str, Row]:
    verdicts: dict[str, list[Verdict]] = {}
    for cell in cells:
        verdicts.setdefault(cell.cell.service, []).append(cell.verdict)
    return {
        service: Row(failed=found.count(Verdict.FAILED), known=sum(one in _KNOWN for one in found))
        for service, found in verdicts.items()
    }


STATES: Mapping[str, Callable[[Asked], bool]] = {
    "changed": lambda cell: cell.changed,
    "flaky": lambda cell: cell.flaky,
    "waived": lambda cell: cell.waived,
    "reported": lambda cell: cell.reported,
    "reused": lambda cell: cell.reused,
    "running": lambda cell: cell.running,
    "problem": lambda cell: cell.verdict in _PROBLEMS,
    "green": lambda cell: cell.verdict in _GREEN,
}
FAILS: Mapping[str, Callable[[Row], bool]] = {
    "one": lambda row: row.failed == 1,
    "all": lambda row: row.known > 1 and row.failed == row.known,
}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda age, than: age > than,
    "<": lambda age, than: age < than,
    ">=": lambda age, than: age >= than,
    "<=": lambda age, than: age <= than,
}
#: Key of a word → what makes the test of its values.
KEYS: Mapping[str, Callable[[Sequence[str]], Test]] = {
    "status": _status,
    "service": _text(lambda cell: cell.cell.service),
    "owner": _text(lambda cell: cell.owner),
    "env": _text(lambda cell: cell.cell.environment),
    "cell": _text(lambda cell: str(cell.cell)),
    "kind": _text(lambda cell: cell.kind),
    "engine": _text(lambda cell: cell.engine),
    "arch": _text(lambda cell: cell.architecture),
    "label": _label,
    "reason": _text(lambda cell: cell.reason),
    "fails": _fails,
    "is": _is,
    "age": _age,
}
EXAMPLES = {
    "status": "status:failed,error",
    "service": "service:queue",
    "owner": "owner:team-orders",
    "env": "env:acme-*",
    "cell": "cell:queue@acme-*",
    "kind": "kind:customer",
    "engine": "engine:podman",
    "arch": "arch:arm64",
    "label": "label:site=acme",
    "reason": "reason:exited",
    "fails": "fails:one",
    "is": "is:flaky",
    "age": "age:>7d",
}
