"""The store without a file: for tests, and for looking at how little the port asks."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from matrix.core.errors import StoreError
from matrix.core.history import PANEL_LENGTH, CellHistory
from matrix.core.kits import Import, IssuedKit, imported_before
from matrix.core.model import CellId
from matrix.core.result import CellResult, EnvironmentFinding, Leftover, Reporter, Run, RunState
from matrix.core.retention import Keep, Pruned
from matrix.core.series import past_of, remember
from matrix.core.sink import (
    Clean,
    clean_cell,
    clean_finding,
    clean_intent,
    clean_leftover,
    clean_run,
    clean_vitality,
)
from matrix.core.store_ports import Intent, Store
from matrix.core.vitality import Vitality


def open_memory(url: str, *, clean: Clean) -> Store:
    """A new, empty store that is gone with the process."""
    del url
    return MemoryStore(clean=clean)


class MemoryStore:
    """Keeps what it is given, cleaned, in dictionaries; any thread may use it."""

    def __init__(self, *, clean: Clean) -> None:
        self._clean = clean
        self._changing = threading.Lock()
        self._runs: dict[str, Run] = {}
        #: In the order they were written.
        self._written: dict[tuple[str, CellId], CellResult] = {}
        self._histories: dict[CellId, CellHistory] = {}
        self._alive: set[str] = set()
        self._entries: dict[int, Intent] = {}
        self._closed_entries: set[int] = set()
        #: By service, image and digest of the probes.
        self._vitality: dict[tuple[str, str, str], Vitality] = {}
        #: Both by nonce.
        self._kits: dict[str, IssuedKit] = {}
        self._imports: dict[str, Import] = {}
        #: By run, also of those that are pruned.
        self._reporters: dict[str, Reporter] = {}

    def intend(self, intent: Intent) -> int:
        with self._changing:
            entry = len(self._entries) + 1
            self._entries[entry] = clean_intent(intent, self._clean)
        return entry

    def confirm(self, entry: int, object_id: str) -> None:
        self._entries[entry] = replace(self._entry(entry), id=self._clean(object_id))

    def forget(self, entry: int) -> None:
        self._entry(entry)
        self._closed_entries.add(entry)

    def open_entries(self, *, run: str | None = None) -> tuple[tuple[int, Intent], ...]:
        return tuple(
            (entry, intent)
            for entry, intent in self._entries.items()
            if entry not in self._closed_entries and run in (None, intent.run)
        )

    def begin(self, run: Run) -> None:
        known = self._runs.get(run.id)
        if known is not None and known.started_at != run.started_at:
            message = f"run {run.id} is another run, of {known.started_at}: take a new id"
            raise StoreError(message)
        if known is None:
            known = clean_run(run, self._clean)
            self._add(known)
        else:
            self._runs[run.id] = replace(known, state=RunState.RUNNING, finished_at=None)
        self._alive.add(run.id)

    def record_finding(self, run: str, finding: EnvironmentFinding) -> None:
        cleaned = clean_finding(finding, self._clean)
        with self._changing:
            begun = self._begun(run)
            kept = tuple(old for old in begun.findings if old.environment != finding.environment)
            self._runs[run] = replace(begun, findings=(*kept, cleaned))

    def record_cell(self, run: str, result: CellResult) -> None:
        cleaned = clean_cell(result, self._clean)
        with self._changing:
            self._begun(run)
            origin = self._written.get((cleaned.reused_from, cleaned.cell))
            if origin is not None:
                cleaned = replace(cleaned, attempts=origin.attempts)
            self._write(run, cleaned)

    def finish(self, run: str, *, state: str, at: datetime, leftovers: Sequence[Leftover]) -> None:
        with self._changing:
            self._runs[run] = replace(
                self._begun(run),
                state=RunState(state),
                finished_at=at,
                leftovers=tuple(clean_leftover(leftover, self._clean) for leftover in leftovers),
            )
            self._alive.discard(run)

    def load(self, run: str) -> Run | None:
        if run not in self._runs:
            return None
        results = (result for (of, _), result in self._written.items() if of == run)
        return replace(self._runs[run], results=tuple(results))

    def load_cell(self, run: str, cell: CellId) -> CellResult | None:
        return self._written.get((run, cell))

    def latest(self, count: int = 1) -> tuple[Run, ...]:
        found = [self.load(run) for run in self._newest_first()[:count]]
        return tuple(replace(run, results=tuple(map(summary, run.results))) for run in found if run)

    def newest_cells(self) -> Mapping[CellId, tuple[str, CellResult]]:
        return {cell: (run, summary(result)) for (run, cell), result in self._written.items()}

    def histories(self, count: int = PANEL_LENGTH) -> Mapping[CellId, CellHistory]:
        return {cell: replace(one, past=one.past[:count]) for cell, one in self._histories.items()}

    def heads(self, count: int) -> tuple[Run, ...]:
        found = [self.head(run) for run in self._newest_first()[:count]]
        return tuple(run for run in found if run)

    def head(self, run: str) -> Run | None:
        found = self._runs.get(run)
        return replace(found, results=(), findings=()) if found else None

    def runs_of(self, release: str) -> tuple[str, ...]:
        newest = self._newest_first()
        return tuple(run for run in reversed(newest) if self._runs[run].release == release)

    def headlines(self, run: str) -> Mapping[CellId, CellResult]:
        return {
            cell: replace(result, attempts=())
            for (of, cell), result in self._written.items()
            if of == run
        }

    def newest_headlines(self) -> Mapping[CellId, tuple[str, CellResult]]:
        return {
            cell: (run, replace(result, attempts=()))
            for (run, cell), result in self._written.items()
        }

    def newest_whole_cells(self) -> Mapping[CellId, tuple[str, CellResult]]:
        return {cell: (run, result) for (run, cell), result in self._written.items()}

    def newest_findings(self) -> Mapping[str, EnvironmentFinding]:
        oldest_first = [self._runs[run] for run in reversed(self._newest_first())]
        return {one.environment: one for run in oldest_first for one in run.findings}

    def earlier_findings(self) -> Mapping[str, EnvironmentFinding]:
        seen: set[str] = set()
        found: dict[str, EnvironmentFinding] = {}
        for run in self._newest_first():
            for one in self._runs[run].findings:
                if one.environment in seen:
                    found.setdefault(one.environment, one)
                seen.add(one.environment)
        return found

    def count_prunable(self, keep: Keep, *, now: datetime) -> Pruned:
        cells, runs = self._prunable(keep, now)
        return Pruned(cells=len(cells), runs=len(runs), texts=0, text_bytes=0)

    def prune(self, keep: Keep, *, now: datetime) -> Pruned:
        cells, runs = self._prunable(keep, now)
        for key in cells:
            del self._written[key]
        for run in runs:
            del self._runs[run]
        return Pruned(cells=len(cells), runs=len(runs), texts=0, text_bytes=0)

    def unfinished_runs(self) -> tuple[str, ...]:
        return tuple(
            run for run in self._newest_first() if self._runs[run].state is not RunState.FINISHED
        )

    def record_vitality(self, found: Vitality) -> None:
        key = (found.service, found.image_id, found.probes_digest)
        self._vitality[key] = clean_vitality(found, self._clean)

    def load_vitality(self, service: str, *, image_id: str, probes_digest: str) -> Vitality | None:
        return self._vitality.get((service, image_id, probes_digest))

    def record_kit(self, kit: IssuedKit) -> None:
        self._kits.setdefault(kit.nonce, kit)

    def load_kit(self, nonce: str) -> IssuedKit | None:
        return self._kits.get(nonce)

    def load_import(self, nonce: str) -> Import | None:
        return self._imports.get(nonce)

    def record_import(self, kit: IssuedKit, imported: Import, run: Run) -> Import:
        cleaned = clean_run(run, self._clean)
        with self._changing:
            known = self._imports.get(imported.nonce)
            if known is not None:
                return imported_before(known, imported)
            self._kits.setdefault(kit.nonce, kit)
            self._imports[imported.nonce] = imported
            self._add(cleaned)
        return imported

    def reporters(self) -> Mapping[str, Reporter]:
        return dict(self._reporters)

    def hold(self, run: str) -> None:
        self._alive.add(run)

    def let_go(self, run: str) -> None:
        self._alive.discard(run)

    def is_alive(self, run: str) -> bool:
        return run in self._alive

    def close(self) -> None:
        self._alive.clear()

    def _add(self, run: Run) -> None:
        self._runs[run.id] = run
        if run.reporter is not None:
            self._reporters[run.id] = run.reporter
        for result in run.results:
            self._write(run.id, result)

    def _write(self, run: str, result: CellResult) -> None:
        self._written.pop((run, result.cell), None)
        self._written[run, result.cell] = result
        if (result.reused_from, result.cell) in self._written:
            # Taken over: no measurement came to it.
            return
        of = self._runs[run]
        past = past_of(result, run=run, release=of.release, begun_at=of.started_at)
        self._histories[result.cell] = remember(self._histories.get(result.cell), past)

    def _prunable(self, keep: Keep, now: datetime) -> tuple[set[tuple[str, CellId]], set[str]]:
        """Cells and runs, by the table of ``core.retention``."""
        always = self._alive | {intent.run for _, intent in self.open_entries()}
        newest = {(run, cell) for cell, (run, _) in self.newest_headlines().items()}
        newest |= {(one.reused_from, cell) for (_, cell), one in self._written.items()}
        cells = {
            (run, cell)
            for (run, cell), result in self._written.items()
            if run not in always and (run, cell) not in newest
            if keep.until(self._runs[run], result.verdict) < now
        }
        left = always | {run for run, _ in self._written.keys() - cells}
        shortest = min(keep.run_seconds, keep.failure_seconds, keep.release_seconds)
        runs = {
            name
            for name, run in self._runs.items()
            if name not in left and run.started_at + timedelta(seconds=shortest) < now
            if all(one not in self.newest_findings().values() for one in run.findings)
        }
        return cells, runs

    def _newest_first(self) -> list[str]:
        return sorted(self._runs, key=lambda run: (self._runs[run].started_at, run), reverse=True)

    def _begun(self, run: str) -> Run:
        if run not in self._runs:
            message = f"run {run} was never begun in this store"
            raise StoreError(message)
        return self._runs[run]

    def _entry(self, entry: int) -> Intent:
        if entry not in self._entries:
            message = f"the journal has no entry {entry}"
            raise StoreError(message)
        return self._entries[entry]


def summary(result: CellResult) -> CellResult:
    """A cell without the commands its probes ran, what they printed and the logs."""
    return replace(
        result,
        attempts=tuple(
            replace(
                attempt,
                logs={},
                probes=tuple(replace(probe, commands=(), output="") for probe in attempt.probes),
            )
            for attempt in result.attempts
        ),
    )
