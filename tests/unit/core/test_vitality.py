"""A probe is proven when it was seen red under a sabotage and green without it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from matrix.core.result import PlannedProbe, ProbeResult, Side
from matrix.core.verdict import Verdict
from matrix.core.vitality import Proof, Strength, Trial, Vitality, prove


def a_planned(name: str = "queue/test_items.py::test_kept") -> PlannedProbe:
    return PlannedProbe(id=name, side=Side.INSIDE, title="Kept", file=Path("/test_items.py"))


def a_result(verdict: Verdict, message: str = "") -> ProbeResult:
    return ProbeResult(
        id=a_planned().id,
        side=Side.INSIDE,
        title="Kept",
        verdict=verdict,
        message=message,
        seconds=0.1,
    )


def a_trial(name: str, result: ProbeResult | None, *, fault: str = "") -> Trial:
    results = {} if result is None else {result.id: result}
    return Trial(name=name, probes=(a_planned().id,), results=results, fault=fault)


def proof(green: Verdict | None, *trials: Trial, fault: str = "") -> Proof:
    found = {} if green is None else {a_planned().id: a_result(green)}
    (only,) = prove([a_planned()], found, trials, fault=fault)
    return only


def test_red_under_one_saboteur_is_enough():
    found = proof(
        Verdict.PASSED,
        a_trial("nothing is kept", a_result(Verdict.FAILED)),
        a_trial("a stray wind", a_result(Verdict.PASSED)),
    )
    assert found.proven
    assert found.red_under == ("nothing is kept",)


@pytest.mark.parametrize("verdict", [v for v in Verdict if v is not Verdict.FAILED])
def test_only_failed_is_red(verdict: Verdict):
    found = proof(Verdict.PASSED, a_trial("a wind", a_result(verdict, "no such command")))
    assert not found.proven
    assert found.why == f'under "a wind" it is {verdict.value}: no such command'


@pytest.mark.parametrize(
    ("verdict", "proven"), [(Verdict.WARNED, True), (Verdict.FAILED, True), (Verdict.ERROR, False)]
)
def test_a_probe_that_only_warns_is_red_when_it_warns(verdict: Verdict, proven: bool):
    green = {a_planned().id: a_result(Verdict.PASSED)}
    trial = a_trial("nothing is kept", a_result(verdict))
    (found,) = prove([replace(a_planned(), warn=True)], green, [trial], fault="")
    assert found.proven is proven


@pytest.mark.parametrize("verdict", [v for v in Verdict if v is not Verdict.PASSED])
def test_red_under_a_saboteur_says_nothing_when_it_is_never_green(verdict: Verdict):
    found = proof(verdict, a_trial("a wind", a_result(Verdict.FAILED)))
    assert not found.proven
    assert found.why == f"without any sabotage it is {verdict.value}"


def test_a_probe_that_nobody_names_is_not_proven():
    assert proof(Verdict.PASSED).why == "no saboteur names it"


def test_what_stopped_a_trial_is_told():
    found = proof(Verdict.PASSED, a_trial("a wind", None, fault="not ready after 60 s"))
    assert found.why == 'under "a wind" it is MISSING: not ready after 60 s'


def test_what_stopped_the_trial_without_sabotage_is_told():
    found = proof(None, a_trial("a wind", a_result(Verdict.FAILED)), fault="no such image")
    assert found.why == "without any sabotage it is MISSING: no such image"


def test_controls_are_no_probes_of_the_service():
    assert prove([a_planned("control/inside")], {}, (), fault="") == ()


def test_strength_counts_what_is_proven():
    proofs = (
        Proof(probe="a", title="A", red_under=("x",), why=""),
        Proof(probe="b", title="B", red_under=(), why="no saboteur names it"),
    )
    at = datetime(2026, 11, 22, tzinfo=UTC)
    found = Vitality(
        service="queue",
        environment="laptop",
        image_id="sha256:1",
        probes_digest="sha256:2",
        measured_at=at,
        proofs=proofs,
    )
    assert found.strength == Strength(proven=1, all=2, unproven=("b",), measured_at=at)
    assert str(found.strength) == "1/2"
