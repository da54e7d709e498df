"""Our side: containers started and asked by the same parts as in `matrix run`."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from matrix.core.model import CellId, Environment, Image, Project, RunSettings
from matrix.core.ports import ProbeRequest, Shell
from matrix.core.result import PlannedProbe, ProbeReport, Side
from matrix.core.verdict import Verdict
from matrix.execution.access import CellAccess
from matrix.execution.containers import Cast, Ensemble
from matrix.execution.host import HostSession, Link
from matrix.execution.rack import Place, ShellRack
from matrix.execution.sweep import Sweep, sweep
from matrix.execution.toolbox import Halt, Order, Toolbox
from matrix.probing.prober import PytestProber
from matrix.store import new_run_id, open_store
from matrix.wiring import build_missing, open_toolbox

HERE = Path(__file__).parent
PROBES = HERE / "probes"
LOOP = HERE / "loop"
#: Seconds that a job may take before something is wrong.
PATIENCE_SECONDS = 120.0


def with_bench_image(project: Project) -> Project:
    """*project* with the image that bench looks at."""
    image = Image(name="bench", context=HERE / "image", bases={"BASE": "bookworm"})
    return replace(project, images=(*project.images, image))


class Workshop:
    """A run without cells: hosts are opened and containers started as bench asks for them."""

    def __init__(self, project: Project, prober: PytestProber) -> None:
        self.project = with_bench_image(project)
        self.prober = prober
        self.run = new_run_id(datetime.now(UTC))
        (status,) = build_missing(self.project, ["bench"], observe=lambda _: None)
        self.image_id = status.id
        self._store = open_store("memory://")
        self._used: list[Environment] = []

    @contextmanager
    def tools(self) -> Iterator[Toolbox]:
        """The tools; whatever was made or delivered on a host is removed at the end."""
        with open_toolbox(self._store, self.prober, halt=Halt(), watch=lambda _: None) as tools:
            try:
                yield tools
            finally:
                wish = Sweep(remove=True, keep_images=False)
                done = sweep(tools, self._used, self._store.open_entries(), wish)
                if done.remaining or done.unreachable:
                    print(f"left behind: {done.remaining} {done.unreachable}")

    def environment(self, name: str) -> Environment:
        """An environment of the inventory, by name."""
        return next(one for one in self.project.environments if one.name == name)

    @contextmanager
    def session(self, tools: Toolbox, name: str) -> Iterator[HostSession]:
        """The examined host of an environment."""
        environment = self.environment(name)
        self._used.append(environment)
        session = HostSession(tools, environment, environment.hosts[0], run=self.run)
        try:
            finding = session.examine()
            if finding.fault is not None:
                raise SystemExit(f"{name}: {finding.fault.message}")
            yield session
        finally:
            session.close()

    @contextmanager
    def cells(self, tools: Toolbox, session: HostSession, *, count: int) -> Iterator[list["Cell"]]:
        """So many containers of the bench image, each on a network of its own."""
        image = next(one for one in self.project.images if one.name == "bench")
        order = Order(
            image=image,
            image_id=self.image_id,
            run=self.run,
            environment=session.environment,
            host=session.host,
            engine=session.link().engine,
            architecture=session.architecture,
            free_bytes=session.free_bytes(),
            total_bytes=session.total_bytes(),
        )
        tools.deliver(order, progress=lambda **_: None)
        with ExitStack() as stack:
            yield [stack.enter_context(self._cell(tools, session, at)) for at in range(count)]

    @contextmanager
    def _cell(self, tools: Toolbox, session: HostSession, at: int) -> Iterator["Cell"]:
        cast = Cast(
            run=self.run,
            cell=CellId(service=f"bench-{at}", environment=session.environment.name),
            attempt=1,
            settings=RunSettings(),
            companions=(),
            image_ids={"": self.image_id},
            nonce="",
        )
        link = session.link()
        ensemble = Ensemble(tools, session, link, cast)
        try:
            ensemble.start(wait_until_ready=lambda _: None)
            yield Cell(
                tools=tools, prober=self.prober, session=session, link=link, ensemble=ensemble
            )
        finally:
            ensemble.remove()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One container that probes can be run on."""

    tools: Toolbox
    prober: PytestProber
    session: HostSession
    link: Link
    ensemble: Ensemble

    @property
    def container(self) -> str:
        """Name of the container."""
        return self.ensemble.members[""].name

    @contextmanager
    def access(self) -> Iterator[CellAccess]:
        """What probes ask; its shells are opened when first used and closed at the end."""
        engine, identity = self.ensemble.engine, self.ensemble.members[""].id

        def open_shell(place: Place) -> Shell:
            if place[0] is Side.OUTSIDE:
                return self.session.open_shell(self.link)
            return self.tools.open_shell(lambda: engine.open_exec(identity, ["sh"]))

        rack = ShellRack(open_shell, room=self.session.shells)
        try:
            yield CellAccess(
                self.ensemble,
                rack,
                open_shell=self.tools.open_shell,
                check_host=self.link.tether.check,
                halt=self.tools.halt,
            )
        finally:
            rack.close()

    def probe(
        self, access: CellAccess, folder: Path, planned: Sequence[PlannedProbe]
    ) -> ProbeReport:
        """Run *planned* in a process of their own; every one of them has to pass."""
        request = ProbeRequest(
            planned=tuple(planned),
            folders=(folder,),
            nonce="",
            service={},
            environment={},
            deadline_seconds=PATIENCE_SECONDS,
        )
        report = self.prober.run(
            request, access, observe=lambda result: result, cancelled=lambda: False
        )
        bad = [one for one in report.results if one.verdict is not Verdict.PASSED]
        if bad or report.faults or len(report.results) != len(planned):
            raise SystemExit(f"bench needs every probe to pass: {bad} {report.faults}")
        return report


def own_probes(prober: PytestProber, folder: Path) -> tuple[PlannedProbe, ...]:
    """The probes in *folder*, without the two controls that every cell gets besides."""
    return tuple(one for one in prober.collect((folder,)) if one.file.is_relative_to(folder))


def run_loop(cell: Cell, access: CellAccess, planned: Sequence[PlannedProbe]) -> list[float]:
    """Seconds per ``host.run("true")``, as the probe saw them."""
    (result,) = cell.probe(access, LOOP, planned).results
    return list(json.loads(result.output))


def probe_all(cells: Sequence[Cell], planned: Sequence[PlannedProbe]) -> None:
    """Run the probes of bench on all cells at once, each through shells of its own."""
    failures: list[BaseException] = []

    def probe_one(cell: Cell) -> None:
        try:
            with cell.access() as access:
                cell.probe(access, PROBES, planned)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=probe_one, args=(cell,)) for cell in cells]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
