"""A store that takes out what may not leave the machine, before anything is written.

The journal is passed on as it is: by its names and ids what we made is found and removed. It lies
beside the store, which a kit keeps in its private folder and removes.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

from matrix.core.redacted import Counting, names_in, redact_cell, redact_finding, redact_run
from matrix.core.redaction import Redactor, Removed, Taken
from matrix.core.result import CellResult, EnvironmentFinding, Leftover, Run
from matrix.core.sink import clean_leftover, clean_vitality
from matrix.core.store_ports import Store
from matrix.core.vitality import Vitality

#: What brings no text of a host into the store. Whatever else a store can do is refused here, so
#: that nothing can be written past the redactor by a method that is new.
PASSED_ON = frozenset(
    {
        *("intend", "confirm", "forget", "open_entries", "close"),
        *("load", "load_cell", "latest", "histories", "newest_cells"),
        *("heads", "head", "runs_of", "headlines", "newest_headlines", "newest_whole_cells"),
        *("newest_findings", "earlier_findings", "load_vitality"),
        *("load_kit", "load_import", "reporters"),
        *("unfinished_runs", "hold", "let_go", "is_alive", "count_prunable", "prune"),
    }
)


class RedactingStore:
    """Passes everything on to *store*, what is written without what may not leave."""

    def __init__(self, store: Store, redactor: Redactor) -> None:
        self._store = store
        self._redactor = redactor
        self._lock = threading.Lock()
        #: Where it was → what was taken out there; the later answer for a cell stays.
        self._taken: dict[str, Taken] = {}

    @property
    def removed(self) -> tuple[Removed, ...]:
        """What was taken out of what is in the store now, by place and kind."""
        with self._lock:
            return tuple(
                Removed(kind=kind, where=where, count=taken[kind])
                for where, taken in sorted(self._taken.items())
                for kind in sorted(taken)
            )

    def begin(self, run: Run) -> None:
        """Write down a new run."""
        with self._counting("") as counting:
            redacted = redact_run(run, counting)
        self._store.begin(redacted)

    def record_finding(self, run: str, finding: EnvironmentFinding) -> None:
        """What its hosts are called is taken out of everything from now on."""
        self._redactor.learn(names=names_in(finding))
        with self._counting(finding.environment) as counting:
            redacted = redact_finding(finding, counting)
        self._store.record_finding(run, redacted)

    def record_cell(self, run: str, result: CellResult) -> None:
        """Idempotent as the store's own."""
        with self._counting(str(result.cell)) as counting:
            redacted = redact_cell(result, counting)
        self._store.record_cell(run, redacted)

    def finish(self, run: str, *, state: str, at: datetime, leftovers: Sequence[Leftover]) -> None:
        """The end of a run."""
        with self._counting("leftovers") as counting:
            redacted = [clean_leftover(leftover, counting) for leftover in leftovers]
        self._store.finish(run, state=state, at=at, leftovers=redacted)

    def record_vitality(self, found: Vitality) -> None:
        """What is known about probes."""
        self._store.record_vitality(clean_vitality(found, self._redactor))

    # Any: methods of every shape.
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """What brings no text of a host into the store, as it is there."""
        if name not in PASSED_ON:
            raise AttributeError(f"a store that redacts has no {name}")
        return getattr(self._store, name)

    @contextmanager
    def _counting(self, where: str) -> Iterator[Counting]:
        counting = Counting(self._redactor)
        yield counting
        with self._lock:
            self._taken[where] = counting.taken


def as_store(redacting: RedactingStore) -> Store:
    """It is one, though the methods it passes on cannot be seen in it."""
    return cast(Store, redacting)
