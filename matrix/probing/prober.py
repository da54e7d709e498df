"""Probes in a process of their own: the entrance to this room.

``with PytestProber() as prober:`` starts the process that forks; do it before threads take up
their work. ``collect`` and ``run`` may then be called from any number of threads.
"""

import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from matrix.core.errors import MatrixError, ProbeCodeError
from matrix.core.ports import CellAccess, ProbeRequest
from matrix.core.result import Ending, Fault, Json, PlannedProbe, ProbeReport, ProbeResult, Side
from matrix.probing.collecting import collect_from, is_test_file
from matrix.probing.controls import control_sources, controls
from matrix.probing.forkserver import Child, ForkServer
from matrix.probing.session import Session
from matrix.probing.sources import Source, copy_sources, find_sources


class PytestProber:
    """Implements ``ports.Prober``: one child per call, forked from a process kept warm."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: ForkServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the process that forks; returns at once, it imports pytest meanwhile."""
        self._living_server()

    def close(self) -> None:
        """End it, kill every child, remove their folder."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.close()

    def collect(self, folders: Sequence[Path]) -> tuple[PlannedProbe, ...]:
        """The two controls and the probes in *folders*; raises ProbeCodeError, ProbeCrashed.

        The error names file and line of everything wrong: what cannot be imported, a marker with
        arguments it does not take, two probes of one id, a function that a second one of its name
        hides, a file or folder without any probe.
        """
        sources = find_sources(folders)
        files = [source.place for source in sources if is_test_file(source.place)]
        for folder in folders:
            if not any(source.file.is_relative_to(folder) for source in sources):
                raise ProbeCodeError(f"{folder}: no probe is in this folder")
        job: Mapping[str, Json] = {"mode": "collect", "files": [*files]}
        with self._child(sources, job) as child:
            found = collect_from(child, {source.place: source.file for source in sources})
        return controls(Side.INSIDE) + found

    def run(
        self,
        request: ProbeRequest,
        access: CellAccess,
        *,
        observe: Callable[[ProbeResult], ProbeResult],
        cancelled: Callable[[], bool],
    ) -> ProbeReport:
        """Run what is planned, in that order, in one child; blocks until it has ended.

        Results are those of ``judge``. After a probe that ended or outlived its process nothing
        more is reported; a fault that no probe can bear is in ``faults``. Raises nothing for what
        a probe does; what *observe*, *cancelled* and a broken *access* raise goes through.
        """
        try:
            sources = find_sources(request.folders) + control_sources()
            with self._child(sources, _job(request, sources)) as child:
                session = Session(child, request, access, observe=observe, cancelled=cancelled)
                return session.run()
        except MatrixError as error:
            fault = Fault(reason=error.reason, message=str(error))
            return ProbeReport(results=(), faults=(fault,), ending=Ending.CRASHED)

    def _living_server(self) -> ForkServer:
        with self._lock:
            if self._server is not None and not self._server.alive:
                self._server.close()
                self._server = None
            if self._server is None:
                self._server = ForkServer()
            return self._server

    @contextmanager
    def _child(self, sources: Sequence[Source], job: Mapping[str, Json]) -> Iterator[Child]:
        """A child that has been given *job* and a copy of *sources* in a folder of its own."""
        server = self._living_server()
        root = server.folder / f"job-{secrets.token_hex(6)}"
        root.mkdir(mode=0o700)
        try:
            copy_sources(sources, root)
            child = server.spawn()
            try:
                child.send({"kind": "job", "root": str(root), **job})
                yield child
            finally:
                child.close()
        finally:
            shutil.rmtree(root, ignore_errors=True)


def _job(request: ProbeRequest, sources: Sequence[Source]) -> Mapping[str, Json]:
    """What the child is told; raises ProbeCodeError when a planned probe's file is not there."""
    places = {source.file: source.place for source in sources}
    for probe in request.planned:
        if probe.file not in places:
            raise ProbeCodeError(f"{probe.file}: planned, but in no folder of this service")
    return {
        "mode": "run",
        "files": list(dict.fromkeys(places[probe.file] for probe in request.planned)),
        "planned": [probe.id for probe in request.planned],
        "nonce": request.nonce,
        "service": dict(request.service),
        "environment": dict(request.environment),
    }
