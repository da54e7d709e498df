"""The saboteurs of one service at work on one host, each on containers of its own.

Those that only answer in the engine's place share the containers of the attempt in which nothing
is wrong, and follow it.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import cast

from matrix.core.errors import RETRYABLE
from matrix.core.fold import is_control
from matrix.core.plan import PlannedCell
from matrix.core.ports import Event
from matrix.core.result import Attempt, Leftover, ProbeResult
from matrix.core.saboteur import Saboteur
from matrix.core.verdict import Verdict
from matrix.core.vitality import Trial
from matrix.execution.cell import run_attempt
from matrix.execution.halting import cut_when_late
from matrix.execution.host import HostSession
from matrix.execution.pool import wait_until_done
from matrix.execution.sabotage import (
    SabotagedProber,
    SabotagedSession,
    probes_of,
    sabotaged,
)
from matrix.execution.toolbox import RunOrder, Toolbox

#: Name of the trial in which nothing is wrong.
NOTHING_WRONG = ""
#: How often a trial that ended in an ERROR which may pass is tried in all.
TRIES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What the trials of one service came to."""

    #: That of NOTHING_WRONG first, then one for each saboteur.
    trials: tuple[Trial, ...]
    leftovers: tuple[Leftover, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What is tried on one set of containers, one after the other."""

    #: Of its first attempt; each set of containers has a number of its own.
    number: int
    #: None for nothing wrong; only a single one may change the containers.
    rounds: tuple[Saboteur | None, ...]


class Trials:
    """Runs the saboteurs of one service; results come back, events go to the watcher."""

    def __init__(
        self, tools: Toolbox, order: RunOrder, planned: PlannedCell, session: HostSession
    ) -> None:
        self._tools = tools
        self._order = order
        self._planned = planned
        self._session = session

    def run(self, saboteurs: Sequence[Saboteur]) -> Tried:
        """Every saboteur, and before them none; never raises for what a host does.

        A trial that the end of the run has cut short is not among them.
        """
        stages = tuple(stages_for(saboteurs))
        with (
            cut_when_late(self._tools.halt, self._session.cut),
            ThreadPoolExecutor(self._order.parallel, thread_name_prefix="trial") as pool,
        ):
            futures = [pool.submit(self._run_stage, stage) for stage in stages]
            wait_until_done(futures)
        found = [future.result() for future in futures]
        return Tried(
            trials=tuple(trial for tried in found for trial in tried.trials),
            leftovers=tuple(left for tried in found for left in tried.leftovers),
        )

    def _run_stage(self, stage: Stage) -> Tried:
        leftovers: list[Leftover] = []
        trials: tuple[Trial, ...] = ()
        for number in range(stage.number, stage.number + TRIES):
            if self._tools.halt.draining:
                return Tried(trials=(), leftovers=tuple(leftovers))
            prober = SabotagedProber(
                prober=self._tools.prober, service=self._planned.service, rounds=stage.rounds
            )
            attempt, left = self._attempt(prober, number)
            leftovers.extend(left)
            trials = tuple(self._trials(prober, attempt))
            if not _may_pass(attempt):
                break
        if self._tools.halt.draining:
            return Tried(trials=(), leftovers=tuple(leftovers))
        for trial in trials:
            self._tell(trial)
        return Tried(trials=trials, leftovers=tuple(leftovers))

    def _attempt(
        self, prober: SabotagedProber, number: int
    ) -> tuple[Attempt, tuple[Leftover, ...]]:
        tools, planned = replace(self._tools, prober=prober), self._planned
        saboteur = prober.rounds[0]
        if saboteur is not None:
            planned = replace(
                planned,
                service=sabotaged(planned.service, saboteur),
                probes=tuple(probes_of(saboteur, planned.probes)),
            )
        return run_attempt(tools, self._order, planned, self._spoiled(saboteur), number)

    def _spoiled(self, saboteur: Saboteur | None) -> HostSession:
        if saboteur is None:
            return self._session
        spoiled = SabotagedSession(self._session, saboteur, self._planned.service)
        return cast(HostSession, spoiled)

    def _trials(self, prober: SabotagedProber, attempt: Attempt) -> Iterator[Trial]:
        for at, saboteur in enumerate(prober.rounds):
            reported = prober.reports[at].results if at < len(prober.reports) else ()
            results = reported if at else attempt.probes
            yield self._trial(saboteur, results, attempt)

    def _trial(
        self, saboteur: Saboteur | None, results: Sequence[ProbeResult], attempt: Attempt
    ) -> Trial:
        name = saboteur.name if saboteur else NOTHING_WRONG
        probes = tuple(
            probe.id
            for probe in probes_of(saboteur, self._planned.probes)
            if not is_control(probe.id)
        )
        fault = _distrust(results, attempt)
        found = {} if fault else {one.id: one for one in results if one.id in probes}
        return Trial(name=name, probes=probes, results=found, fault=fault)

    def _tell(self, trial: Trial) -> None:
        wanted = Verdict.FAILED if trial.name else Verdict.PASSED
        seen = sum(one.verdict is wanted for one in trial.results.values())
        what = f'"{trial.name}"' if trial.name else "nothing wrong"
        text = f"{what}: {seen} of {len(trial.probes)} probes {wanted.value}"
        cell = self._planned.cell
        self._tools.watch(
            Event(
                kind="trial",
                environment=cell.environment,
                service=cell.service,
                text=f"{text} ({trial.fault})" if trial.fault else text,
            )
        )


def stages_for(saboteurs: Sequence[Saboteur]) -> Iterator[Stage]:
    """What is tried on which containers: the longest first, since it is every probe."""
    gentle = tuple(one for one in saboteurs if one.leaves_containers_alone)
    rough = [one for one in saboteurs if not one.leaves_containers_alone]
    yield Stage(number=1, rounds=(None, *gentle))
    for at, saboteur in enumerate(rough, 1):
        yield Stage(number=1 + at * TRIES, rounds=(saboteur,))


def _may_pass(attempt: Attempt) -> bool:
    return attempt.verdict is Verdict.ERROR and RETRYABLE.get(attempt.reason, False)


def _distrust(results: Sequence[ProbeResult], attempt: Attempt) -> str:
    """Why *results* are worth nothing, "" when they are worth something."""
    if not results:
        return attempt.message or "nothing came back"
    controls = [one for one in results if is_control(one.id)]
    lost = [one for one in controls if one.verdict is not Verdict.PASSED]
    if lost:
        return f"control does not hold: {lost[0].title}: {lost[0].message}"
    return "" if controls else "the controls did not come back"
