"""One try at a cell on one host: deliver, start, wait, probe, clean."""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from matrix.core.errors import DeadlineExceeded, MatrixError, Unsupported
from matrix.core.fold import fold
from matrix.core.plan import PlannedCell
from matrix.core.ports import Event, ProbeRequest, Progress, Shell
from matrix.core.requirements import sentence, unmet
from matrix.core.result import Leftover, PlannedProbe, ProbeReport, ProbeResult, Side
from matrix.core.verdict import Verdict
from matrix.execution.access import CellAccess
from matrix.execution.containers import Cast, Ensemble
from matrix.execution.host import HostSession, Link
from matrix.execution.metadata import environment_metadata, service_metadata
from matrix.execution.rack import Place, ShellRack
from matrix.execution.supported import split_probes
from matrix.execution.toolbox import Order, RunOrder, Toolbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What the probes of an attempt say together."""

    verdict: Verdict
    reason: str
    message: str


class AttemptRun:
    """The steps of one attempt, each to be called once and in order; ``clean`` always."""

    def __init__(
        self,
        tools: Toolbox,
        order: RunOrder,
        planned: PlannedCell,
        session: HostSession,
        number: int,
    ) -> None:
        self._tools = tools
        self._order = order
        self._planned = planned
        self._session = session
        self._number = number
        self._began = time.monotonic()
        self._dead: MatrixError | None = None
        self._nonce = secrets.token_hex(16)
        self._ensemble: Ensemble | None = None
        self._rack: ShellRack | None = None
        self.steps: dict[str, float] = {}
        self.report: ProbeReport | None = None
        self.left_out: tuple[ProbeResult, ...] = ()
        self.image_id = ""

    def measure(self) -> Finding:
        """Carry out all steps but cleaning; raises what stops one of them."""
        self._check_requirements()
        link = self._session.link()
        with self._step("deliver"):
            image_ids = self._deliver(link)
        with self._step("start"):
            access = self._start(link, image_ids)
        with self._step("ready"):
            self._wait_until_ready(access)
        with self._step("probe"):
            self.report = self._probe(access)
        return self._judge(self.report, access)

    def check_host(self) -> None:
        """Before the service is blamed; raises Unhealthy when it is the host, and what it raises.

        The shells make room for it; only ``logs`` and ``clean`` may follow.
        """
        if self._rack is not None:
            self._rack.close()
        if not self._tools.halt.draining:
            self._session.check_names(self._session.link())

    def logs(self) -> Mapping[str, str]:
        """Tails of the logs of whatever was started."""
        return self._ensemble.logs() if self._ensemble is not None else {}

    def clean(self) -> tuple[Leftover, ...]:
        """Close the shells and remove the containers; returns what stays."""
        with self._step("clean"):
            if self._rack is not None:
                self._rack.close()
            return self._ensemble.remove() if self._ensemble is not None else ()

    def _check_requirements(self) -> None:
        missing = unmet(self._planned.service.requirements, self._session.facts)
        if missing:
            raise Unsupported("; ".join(sentence(one) for one in missing))

    def _deliver(self, link: Link) -> Mapping[str, str]:
        """Bring every image; returns their ids by companion name."""
        service = self._planned.service
        names = {"": service.image, **{one.name: one.image for one in service.companions}}
        ids = {}
        for name in sorted(set(names.values())):
            self._tools.halt.check()
            image = self._tools.deliver(self._wanted(link, name), progress=self._show_bytes(name))
            ids[name] = image.id
        return {target: ids[name] for target, name in names.items()}

    def _wanted(self, link: Link, image: str) -> Order:
        return Order(
            image=self._order.images[image],
            image_id=self._order.image_ids[image],
            run=self._order.run,
            environment=self._session.environment,
            host=self._session.host,
            engine=link.engine,
            architecture=self._session.architecture,
            free_bytes=self._session.free_bytes(),
            total_bytes=self._session.total_bytes(),
        )

    def _start(self, link: Link, image_ids: Mapping[str, str]) -> CellAccess:
        service = self._planned.service
        self.image_id = image_ids[""]
        cast = Cast(
            run=self._order.run,
            cell=self._planned.cell,
            attempt=self._number,
            settings=service.settings,
            companions=service.companions,
            image_ids=image_ids,
            nonce=self._nonce,
        )
        self._ensemble = Ensemble(self._tools, self._session, link, cast)
        self._tell("start", f"starting {1 + len(service.companions)} containers")
        access = self._open(link, self._ensemble)

        def wait_until_ready(target: str) -> None:
            settings = {one.name: one.settings for one in service.companions}[target]
            access.wait_until_ready(target, seconds=settings.readiness.timeout_seconds)

        self._ensemble.start(wait_until_ready=wait_until_ready)
        return access

    def _open(self, link: Link, ensemble: Ensemble) -> CellAccess:
        def open_shell(place: Place) -> Shell:
            side, target = place
            if side is Side.OUTSIDE:
                return self._session.open_shell(link)
            engine, identity = ensemble.engine, ensemble.members[target].id
            return self._tools.open_shell(lambda: engine.open_exec(identity, ["sh"]))

        self._rack = ShellRack(open_shell, room=self._session.shells)
        return CellAccess(
            ensemble,
            self._rack,
            open_shell=self._tools.open_shell,
            check_host=link.tether.check,
            halt=self._tools.halt,
        )

    def _wait_until_ready(self, access: CellAccess) -> None:
        service = self._planned.service
        settings = {"": service.settings, **{one.name: one.settings for one in service.companions}}
        for target, one in settings.items():
            self._tools.halt.check()
            access.wait_until_ready(target, seconds=one.readiness.timeout_seconds)

    def _probe(self, access: CellAccess) -> ProbeReport:
        runnable = self._leave_out_unsupported(access)
        left = self._seconds_left()
        if left <= 0:
            raise DeadlineExceeded("the cell's deadline was over before the first probe")
        service = self._planned.service
        request = ProbeRequest(
            planned=runnable,
            folders=self._order.probe_folders[service.name],
            nonce=self._nonce,
            service=service_metadata(service, self.image_id),
            environment=environment_metadata(self._session.environment, self._session),
            deadline_seconds=left,
        )
        done = iter(range(1, len(runnable) + 1))

        def observe(result: ProbeResult) -> ProbeResult:
            seen = self._explain(result, access)
            self._tell_of_probe(seen, done=next(done, len(runnable)), total=len(runnable))
            return seen

        return self._tools.prober.run(request, access, observe=observe, cancelled=self._is_over)

    def _is_over(self) -> bool:
        return self._dead is not None or self._tools.halt.draining

    def _leave_out_unsupported(self, access: CellAccess) -> tuple[PlannedProbe, ...]:
        """The probes that can be run here; the others get their result at once."""
        parts = split_probes(
            self._planned.probes,
            facts=self._session.facts,
            has_shell=access.has_shell(),
            outside_controls=self._tools.outside_controls,
        )
        self.left_out = parts.left_out
        return parts.runnable

    def _explain(self, result: ProbeResult, access: CellAccess) -> ProbeResult:
        """A dead container must not look like a failed probe, nor stay down for the next one."""
        try:
            if result.verdict not in (Verdict.PASSED, Verdict.UNSUPPORTED):
                access.explain()
            access.restore()
        except MatrixError as error:
            self._dead = error
            return replace(
                result,
                verdict=error.verdict,
                reason=error.reason,
                message=f"{error}" + (f" (probe: {result.message})" if result.message else ""),
            )
        return result

    def _judge(self, report: ProbeReport, access: CellAccess) -> Finding:
        if self._dead is None and not self._tools.halt.draining:
            access.explain()
        if self._dead is not None:
            dead = self._dead
            return Finding(verdict=dead.verdict, reason=dead.reason, message=str(dead))
        together = replace(report, results=(*report.results, *self.left_out))
        verdict, reason, message = fold(self._planned.probes, together)
        return Finding(verdict=verdict, reason=reason, message=message)

    def _tell_of_probe(self, result: ProbeResult, *, done: int, total: int) -> None:
        text = f"{result.title}: {result.message}" if result.message else result.title
        self._tell("probe", text, done=done, total=total, verdict=result.verdict)

    def _tell(
        self, kind: str, text: str, *, done: int = 0, total: int = 0, verdict: Verdict | None = None
    ) -> None:
        cell = self._planned.cell
        self._tools.watch(
            Event(
                kind=kind,
                environment=cell.environment,
                service=cell.service,
                text=text,
                done=done,
                total=total,
                verdict=verdict,
            )
        )

    def _seconds_left(self) -> float:
        return self._planned.service.deadline_seconds - (time.monotonic() - self._began)

    def _show_bytes(self, image: str) -> Progress:
        def show(*, sent_bytes: int, total_bytes: int | None) -> None:
            self._tools.halt.check()
            if self._seconds_left() <= 0:
                raise DeadlineExceeded(f"the cell's deadline was over before image {image} came")
            self._tell("deliver", f"image {image}", done=sent_bytes, total=total_bytes or 0)

        return show

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.steps[name] = time.monotonic() - began
