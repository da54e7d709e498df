"""Which cells are meant: patterns from the command line against the names of a project. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from matrix.core.errors import UsageError
from matrix.core.model import CellId, Environment, Kind, Project


def select(
    project: Project,
    *,
    services: Sequence[str] = (),
    environments: Sequence[str] = (),
    cells: Sequence[str] = (),
    exclude: Sequence[str] = (),
    kinds: Sequence[str] = (),
) -> tuple[CellId, ...]:
    """The cells that match, in the order of the grid: by service, then by environment.

    Each argument is a list of patterns as a shell has them (``*``, ``?``, ``[ab]``), matched
    against names; *cells* and *exclude* against whole ids, ``queue@customer-*``. An empty list
    leaves nothing out; arguments given together must all match. The result may be empty when each
    pattern matches something but nothing matches all of them.

    Raises UsageError for a pattern that matches nothing at all, naming what there is.
    """
    rows = tuple(service.name for service in project.services)
    columns = tuple(environment.name for environment in _of_kinds(project.environments, kinds))
    every = tuple(CellId(service=row, environment=column) for row in rows for column in columns)
    ids = tuple(str(cell) for cell in every)
    known_rows = set(matching(services, rows, what="service"))
    known_columns = set(matching(environments, columns, what="environment"))
    wanted = set(matching(cells, ids, what="cell"))
    if exclude:
        wanted -= set(matching(exclude, ids, what="cell"))
    return tuple(
        cell
        for cell in every
        if cell.service in known_rows and cell.environment in known_columns and str(cell) in wanted
    )


def shard_of(cells: Iterable[CellId], *, number: int, count: int) -> tuple[CellId, ...]:
    """Those of *cells* that belong to shard *number*, counted from 1, of *count*.

    Each cell belongs to exactly one, by a hash of its id: adding a cell moves no other one.
    """
    return tuple(cell for cell in cells if _place(cell) % count == number - 1)


def _place(cell: CellId) -> int:
    return int.from_bytes(hashlib.sha256(str(cell).encode()).digest()[:8])


def matching(patterns: Sequence[str], names: Sequence[str], *, what: str) -> tuple[str, ...]:
    """Those of *names* that match one of *patterns*, all of them when there is no pattern.

    Raises UsageError for a pattern that matches none; *what* says what the names are of.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(f'no {what} matches "{pattern}"{known(pattern, names)}')
    return tuple(name for name in names if not patterns or matches_any(name, patterns))


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Whether *name* matches one of *patterns*, upper and lower case apart."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def known(wrong: str, names: Sequence[str], *, most: int = 12) -> str:
    """What there is instead of *wrong*, in brackets, for the end of a message."""
    if not names:
        return " (there is none)"
    close = get_close_matches(wrong, names, n=1)
    hint = f'did you mean "{close[0]}"? ' if close else ""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f" ({hint}known: {', '.join(names[:most])}{more})"


def _of_kinds(environments: Sequence[Environment], kinds: Sequence[str]) -> tuple[Environment, ...]:
    allowed = tuple(kind.value for kind in Kind)
    for kind in kinds:
        if kind not in allowed:
            raise UsageError(f'no kind of environment is called "{kind}"{known(kind, allowed)}')
    return tuple(
        environment for environment in environments if not kinds or environment.kind.value in kinds
    )
