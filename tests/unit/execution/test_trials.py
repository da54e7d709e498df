"""Saboteurs at work over hosts that exist in memory: who is told what, and what counts."""

from dataclasses import replace

import pytest
from builders.hosts import FakeEngine, FakeShell, World, a_planned_cell, found

from matrix.core.errors import ConnectionLost, StartRefused
from matrix.core.model import Companion, RunSettings, Start
from matrix.core.ports import CellAccess, ContainerSpec, ImageInfo
from matrix.core.result import CommandResult, ProbeResult
from matrix.core.saboteur import Saboteur, Weakening
from matrix.core.verdict import Verdict
from matrix.core.vitality import Trial
from matrix.execution.host import HostSession
from matrix.execution.trials import TRIES, Trials, Tried, stages_for

KEPT = "queue/test.py::kept"
COUNTED = "queue/test.py::counted[1]"


class RecordingEngine(FakeEngine):
    """Keeps what containers were created from."""

    def __init__(self) -> None:
        super().__init__()
        self.specs: list[ContainerSpec] = []

    def inspect_image(self, reference: str) -> ImageInfo | None:
        return ImageInfo(
            id=reference,
            architecture="amd64",
            size_bytes=1,
            entrypoint=("queue",),
            command=("redis",),
        )

    def create_container(self, spec: ContainerSpec) -> str:
        self.specs.append(spec)
        return super().create_container(spec)


class StrictShell(FakeShell):
    """Knows no rm."""

    def run(self, command: str, *, deadline_seconds: float, cap_bytes: int = 0) -> CommandResult:
        done = super().run(command, deadline_seconds=deadline_seconds, cap_bytes=cap_bytes)
        return replace(done, exit_status=127) if command.startswith("rm ") else done


@pytest.fixture
def world() -> World:
    made = World()
    made.engine = RecordingEngine()
    return made


def a_saboteur(**what: object) -> Saboteur:
    values: dict[str, object] = {
        "name": "a wind",
        "probes": (KEPT, COUNTED.partition("[")[0]),
        "target": "",
        "settings": None,
        "clock": "",
        "wrap": "",
        "without": frozenset(),
        "weakened": frozenset(),
        "aliases": None,
        "command": "",
        "answers": {},
    }
    return Saboteur(**(values | what))


def run(world: World, *saboteurs: Saboteur, **service: object) -> Tried:
    planned = a_planned_cell(KEPT, COUNTED, "queue/test.py::other", **service)
    tools = replace(world.tools(), open_shell=lambda _: StrictShell(world.shell_run))
    session = HostSession(tools, planned.environment, planned.environment.hosts[0], run="r")
    assert session.examine().fault is None
    order = replace(world.order, parallel=1)
    return Trials(tools, order, planned, session).run(saboteurs)


def verdicts(trial: Trial) -> dict[str, Verdict]:
    return {name: one.verdict for name, one in trial.results.items()}


def specs(world: World) -> list[ContainerSpec]:
    return world.engine.specs


def test_first_everything_is_measured_with_nothing_wrong(world):
    (without,) = run(world).trials
    assert without.name == ""
    assert verdicts(without) == dict.fromkeys(
        (KEPT, COUNTED, "queue/test.py::other"), Verdict.PASSED
    )


def test_only_the_probes_that_a_saboteur_names_are_run_under_it(world):
    _, trial = run(world, a_saboteur(command=":")).trials
    assert set(trial.results) == {KEPT, COUNTED}


def test_what_a_saboteur_changes_is_gone_for_the_next(world):
    changed = RunSettings(pids=1)
    run(world, a_saboteur(settings=changed), a_saboteur(name="b", command=":"))
    assert [spec.settings.pids for spec in specs(world)] == [256, 1, 256]


def test_a_wrapped_start_is_given_what_the_image_would_start(world):
    run(world, a_saboteur(wrap='exec "$@" > /dev/null'))
    _, spec = specs(world)
    assert spec.entrypoint == ("sh", "-c", 'exec "$@" > /dev/null', "sh")
    assert spec.settings.command == ("queue", "redis")


def test_a_wrapped_start_keeps_the_declared_command_and_knows_the_volumes(world):
    declared = RunSettings(command=("sentinel",), volumes=("/data", "/more"))
    run(world, a_saboteur(wrap='exec "$@"'), settings=declared)
    _, spec = specs(world)
    assert spec.settings.command == ("queue", "sentinel")
    assert spec.extra_environment["MATRIX_VOLUMES"] == "/data /more"


def test_guards_and_names_are_taken_from_the_target_only(world):
    side = Companion(name="side", image="queue", settings=RunSettings())
    wrong = a_saboteur(target="side", weakened=frozenset({Weakening.LOG}), aliases=())
    run(world, wrong, companions=(side,))
    seen = [(spec.aliases, spec.weakened) for spec in specs(world)]
    assert seen == [
        (("side",), frozenset()),
        (("queue",), frozenset()),
        ((), frozenset({Weakening.LOG})),
        (("queue",), frozenset()),
    ]


def test_companions_that_could_not_start_are_left_out(world):
    late = Companion(name="late", image="queue", start=Start.AFTER, settings=RunSettings())
    run(world, a_saboteur(wrap="sleep 9", without=frozenset({Start.AFTER})), companions=(late,))
    assert [spec.aliases for spec in specs(world)] == [("queue",), ("late",), ("queue",)]


def test_answers_share_the_containers_and_are_not_done(world):
    def pause(access: CellAccess) -> ProbeResult:
        before = access.control(target="", verb="identify", arguments={})
        assert before
        answer = access.control(target="", verb="pause", arguments={})
        return found(KEPT, Verdict.FAILED if answer == "done" else Verdict.PASSED)

    world.prober.probes[KEPT] = pause
    without, trial = run(world, a_saboteur(answers={"pause": "done"})).trials
    assert without.results[KEPT].verdict is Verdict.PASSED
    assert trial.results[KEPT].verdict is Verdict.FAILED
    assert len(specs(world)) == 1


def test_a_saboteurs_own_command_must_work(world):
    _, trial = run(world, a_saboteur(command="rm -r /data")).trials
    assert trial.results == {}
    assert "the saboteur's own command exits with 127" in trial.fault


def test_a_control_that_does_not_hold_makes_a_trial_worthless(world):
    world.prober.probes["control/seen"] = lambda _: found("control/seen", Verdict.FAILED)
    without, trial = run(world, a_saboteur(command=":")).trials
    assert without.results == trial.results == {}
    assert "control does not hold" in trial.fault


def test_a_fault_that_may_pass_is_tried_again_once(world):
    world.engine.raises["start"] = ConnectionLost("cut")
    (without,) = run(world).trials
    assert without.fault == "cut"
    assert len(specs(world)) == TRIES


def test_a_fault_that_stays_is_not_tried_again(world):
    world.engine.raises["start"] = StartRefused("no")
    (without,) = run(world).trials
    assert without.fault == "no"
    assert len(specs(world)) == 1


def test_nothing_is_left_and_nothing_is_open_in_the_journal(world):
    tried = run(world, a_saboteur(wrap="sleep 9"), a_saboteur(name="b", command=":"))
    assert tried.leftovers == ()
    assert world.engine.objects == {}
    assert world.store.open_entries() == ()


def test_the_end_of_the_run_leaves_no_half_a_trial(world):
    def end(_: CellAccess) -> ProbeResult:
        world.halt.interrupt()
        return found(KEPT)

    world.prober.probes[KEPT] = end
    tried = run(world, a_saboteur(command=":"))
    assert tried.trials == ()
    assert world.engine.objects == {}


def test_progress_is_told_for_each_saboteur(world):
    run(world, a_saboteur(command=":"))
    told = [event.text for event in world.events if event.kind == "trial"]
    assert told == ["nothing wrong: 3 of 3 probes PASSED", '"a wind": 0 of 2 probes FAILED']


def test_containers_of_different_stages_never_have_the_same_number():
    stages = list(stages_for([a_saboteur(command=":"), a_saboteur(wrap=":")]))
    numbers = [stage.number + again for stage in stages for again in range(TRIES)]
    assert len(numbers) == len(set(numbers)) == 3 * TRIES
