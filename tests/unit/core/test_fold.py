"""One verdict from what was planned and what came back: green is proven, nothing is guessed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.errors import MatrixError, ServiceFailure
from matrix.core.fold import fold, fold_attempts, fold_hosts, is_control
from matrix.core.result import (
    Attempt,
    Ending,
    Fault,
    PlannedProbe,
    ProbeReport,
    ProbeResult,
    Side,
)
from matrix.core.verdict import SEVERITY, Verdict

CONTROLS = ("control/test_nonce.py::test_seen", "control/test_nonce.py::test_not_seen")
P, W, U, M, E, F = (
    Verdict.PASSED,
    Verdict.WARNED,
    Verdict.UNSUPPORTED,
    Verdict.MISSING,
    Verdict.ERROR,
    Verdict.FAILED,
)


def below(root: type[MatrixError]) -> list[type[MatrixError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in below(child))]


def planned(*names: str, warn: bool = False) -> tuple[PlannedProbe, ...]:
    return tuple(
        PlannedProbe(id=name, side=Side.INSIDE, title=name, warn=warn, file=Path("/probes/t.py"))
        for name in names
    )


def result(name: str, verdict: Verdict = P, reason: str = "", message: str = "") -> ProbeResult:
    return ProbeResult(
        id=name,
        side=Side.INSIDE,
        title=name,
        verdict=verdict,
        reason=reason,
        message=message,
        seconds=0.1,
    )


def report(
    *results: ProbeResult,
    faults: tuple[Fault, ...] = (),
    ending: Ending = Ending.COMPLETE,
    running: str = "",
) -> ProbeReport:
    held = tuple(result(control) for control in CONTROLS)
    return ProbeReport(results=(*held, *results), faults=faults, ending=ending, running=running)


def plan(*names: str) -> tuple[PlannedProbe, ...]:
    return planned(*CONTROLS, *names)


def attempt(
    host: str, verdict: Verdict, reason: str = "", message: str = "", number: int = 1
) -> Attempt:
    return Attempt(
        number=number,
        host=host,
        verdict=verdict,
        reason=reason,
        message=message,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
    )


def test_all_planned_probes_passed_and_both_controls_held_is_green():
    assert fold(plan("a", "b"), report(result("a"), result("b"))) == (P, "", "")


def test_no_plan_is_never_green():
    assert fold((), ProbeReport(results=(), faults=(), ending=Ending.COMPLETE))[:2] == (M, "empty")


def test_no_result_is_never_green():
    nothing = ProbeReport(results=(), faults=(), ending=Ending.COMPLETE)
    assert fold(plan("a"), nothing)[:2] == (M, "empty")


def test_a_planned_probe_that_did_not_come_back_is_missing():
    assert fold(plan("a", "b"), report(result("a")))[:2] == (M, "missing")


def test_a_probe_that_was_not_planned_makes_the_report_worthless():
    verdict, reason, message = fold(plan("a"), report(result("a"), result("b")))
    assert (verdict, reason) == (E, "probe-set")
    assert "b" in message


def test_the_same_number_of_other_probes_is_not_the_planned_set():
    assert fold(plan("a", "b"), report(result("a"), result("c")))[0] is E


def test_a_probe_that_came_back_twice_makes_the_report_worthless():
    assert fold(plan("a"), report(result("a"), result("a")))[:2] == (E, "probe-set")


def test_stale_cannot_be_reported():
    assert fold(plan("a"), report(result("a", Verdict.STALE)))[:2] == (E, "probe-set")


@pytest.mark.parametrize("verdict", [P, W])
@pytest.mark.parametrize("reason", ["skipped", "xfailed"])
def test_a_skipped_probe_is_not_green(verdict, reason):
    assert fold(plan("a"), report(result("a", verdict, reason)))[:2] == (M, reason)


def test_passed_for_a_reason_is_not_green():
    assert fold(plan("a"), report(result("a", P, "assertion")))[:2] == (M, "assertion")


@pytest.mark.parametrize("verdict", [F, W, M], ids=lambda verdict: verdict.value)
@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_that_does_not_hold_means_we_cannot_tell(control, verdict):
    held = [result(other) for other in CONTROLS if other != control]
    broken = ProbeReport(
        results=(*held, result(control, verdict, "assertion"), result("a", F, "assertion")),
        faults=(),
        ending=Ending.COMPLETE,
    )
    assert fold(plan("a"), broken)[:2] == (E, "control")


def test_a_control_that_did_not_come_back_means_we_cannot_tell():
    lone = ProbeReport(results=(result(CONTROLS[0]),), faults=(), ending=Ending.COMPLETE)
    assert fold(plan(), lone)[:2] == (E, "control")


def test_a_control_that_only_warns_is_still_a_control():
    warning = planned(*CONTROLS, warn=True)
    failed = ProbeReport(
        results=(result(CONTROLS[0]), result(CONTROLS[1], F)), faults=(), ending=Ending.COMPLETE
    )
    assert fold(warning, failed)[:2] == (E, "control")


@pytest.mark.parametrize("verdict", [E, U], ids=lambda verdict: verdict.value)
def test_a_control_that_could_not_be_asked_says_why(verdict):
    answers = ProbeReport(
        results=(result(CONTROLS[0], verdict, "tool"), result(CONTROLS[1]), result("a")),
        faults=(),
        ending=Ending.COMPLETE,
    )
    assert fold(plan("a"), answers)[:2] == (verdict, "tool")


def test_without_controls_in_the_plan_nothing_is_proven():
    only = ProbeReport(results=(result("a"),), faults=(), ending=Ending.COMPLETE)
    assert fold(planned("a"), only)[:2] == (E, "control")
    half = replace(only, results=(result("a"), result(CONTROLS[0])))
    assert fold(planned("a", CONTROLS[0]), half)[:2] == (E, "control")


def test_a_fault_taints_green_probes():
    faults = (Fault(reason="conn-lost", message="the connection broke"),)
    answer = fold(plan("a"), report(result("a"), faults=faults))
    assert answer == (E, "conn-lost", "the connection broke")


def test_a_failed_probe_beside_a_taint_cannot_be_told_apart():
    faults = (Fault(reason="conn-lost", message=""),)
    assert fold(plan("a"), report(result("a", F, "assertion"), faults=faults))[0] is E


def test_a_container_that_died_by_itself_is_the_services_own_fault():
    faults = (Fault(reason="exited", message="exit status 1"),)
    assert fold(plan("a"), report(result("a", E), faults=faults))[:2] == (F, "exited")


def test_a_container_that_died_beside_a_lost_connection_cannot_be_told_apart():
    faults = (Fault(reason="exited", message=""), Fault(reason="conn-lost", message=""))
    assert fold(plan("a"), report(faults=faults))[:2] == (E, "conn-lost")


@pytest.mark.parametrize("kind", below(ServiceFailure), ids=lambda kind: kind.__name__)
def test_every_failure_of_the_service_is_its_own_fault(kind):
    faults = (Fault(reason=kind.reason, message=""),)
    assert fold(plan("a"), report(faults=faults))[:2] == (F, kind.reason)


@pytest.mark.parametrize(
    ("ending", "verdict", "reason"),
    [
        pytest.param(Ending.CRASHED, E, "probe-crash", id="crashed"),
        pytest.param(Ending.DEADLINE, E, "deadline", id="deadline"),
        pytest.param(Ending.CANCELLED, M, "cancelled", id="cancelled"),
    ],
)
def test_an_early_end_is_never_green_nor_red(ending, verdict, reason):
    for found in (P, F):
        early = report(result("a", found, "" if found is P else "assertion"), ending=ending)
        assert fold(plan("a"), early)[:2] == (verdict, reason)


def test_an_early_end_says_what_is_known_about_the_probe_that_ran():
    last = result("q/a", E, "deadline", "it did not end within its 2 s and was killed")
    answer = fold(plan("q/a"), report(last, ending=Ending.DEADLINE, running="q/a"))
    assert answer[2] == "q/a: it did not end within its 2 s and was killed (q/a)"


def test_an_early_end_names_the_probe_that_ran():
    assert "queue::x" in fold(plan("a"), report(ending=Ending.CRASHED, running="queue::x"))[2]


def test_a_cancelled_run_is_missing_even_when_cancelling_broke_connections():
    faults = (Fault(reason="conn-lost", message=""),)
    assert fold(plan("a"), report(faults=faults, ending=Ending.CANCELLED))[0] is M


def test_a_failed_probe_that_only_warns_warns():
    probes = (*plan(), *planned("a", warn=True))
    assert fold(probes, report(result("a", F, "assertion", "6 < 7"))) == (
        W,
        "assertion",
        "a: 6 < 7",
    )


def test_a_probe_that_only_warns_does_not_soften_an_error():
    probes = (*plan(), *planned("a", warn=True))
    assert fold(probes, report(result("a", E, "tool")))[:2] == (E, "tool")


def test_the_message_is_of_the_first_worst_probe_in_planned_order():
    found = report(
        result("c", F, "assertion", "third"), result("b", F, "assertion", "second"), result("a")
    )
    assert fold(plan("a", "b", "c"), found) == (F, "assertion", "b: second (and 1 more)")


def test_only_the_folder_of_the_controls_makes_a_control():
    assert is_control("control/test_x.py::test_y")
    assert not is_control("queue/control/test_x.py::test_y")
    assert not is_control("control_of_ours/test_x.py::test_y")


MEASURED = st.sampled_from(SEVERITY)
OUTCOMES = st.lists(MEASURED, min_size=1, max_size=6)


def fold_verdicts(verdicts: list[Verdict]) -> Verdict:
    names = [str(number) for number in range(len(verdicts))]
    found = [
        result(name, verdict, "" if verdict is P else "assertion")
        for name, verdict in zip(names, verdicts, strict=True)
    ]
    return fold(plan(*names), report(*found))[0]


@given(OUTCOMES)
def test_a_cell_is_the_worst_of_its_probes(verdicts):
    assert fold_verdicts(verdicts) is min(verdicts, key=SEVERITY.index)


@given(OUTCOMES, MEASURED)
def test_one_more_probe_never_improves_a_cell(verdicts, another):
    before, after = fold_verdicts(verdicts), fold_verdicts([*verdicts, another])
    assert SEVERITY.index(after) <= SEVERITY.index(before)


@given(st.integers(1, 6), st.data())
def test_a_probe_less_in_the_report_is_never_green(count, data):
    names = [str(number) for number in range(count)]
    every = [*CONTROLS, *names]
    lost = data.draw(st.sampled_from(every))
    results = tuple(result(name) for name in every if name != lost)
    part = ProbeReport(results=results, faults=(), ending=Ending.COMPLETE)
    assert fold(plan(*names), part)[0] not in (P, W)


REASONS = st.sampled_from(["conn-lost", "engine-lost", "exited", "deadline", "never-heard-of"])


@given(OUTCOMES, st.lists(REASONS, min_size=1, max_size=3), st.sampled_from(Ending))
def test_a_fault_is_never_green_and_only_the_services_own_are_red(verdicts, reasons, ending):
    names = [str(number) for number in range(len(verdicts))]
    results = [result(name, verdict) for name, verdict in zip(names, verdicts, strict=True)]
    faults = tuple(Fault(reason=reason, message="") for reason in reasons)
    verdict = fold(plan(*names), report(*results, faults=faults, ending=ending))[0]
    assert verdict in (F, E, M)
    assert (verdict is F) <= (set(reasons) == {"exited"})


def test_no_attempt_is_missing():
    assert fold_attempts(()) == (M, "empty", "never started")


def test_one_attempt_is_the_answer():
    assert fold_attempts([attempt("one", F, "assertion", "no")]) == (F, "assertion", "no")
    assert fold_attempts([attempt("one", P)]) == (P, "", "")


@pytest.mark.parametrize("last", [P, W], ids=lambda verdict: verdict.value)
def test_green_only_on_a_retry_warns_and_keeps_what_was_first(last):
    tries = [attempt("one", E, "conn-lost", "it broke"), attempt("one", last, number=2)]
    verdict, reason, message = fold_attempts(tries)
    assert (verdict, reason) == (W, "retried")
    assert "attempt 2" in message
    assert "it broke" in message


def test_a_failure_on_a_retry_is_a_failure():
    tries = [attempt("one", E, "conn-lost"), attempt("one", F, "assertion", number=2)]
    assert fold_attempts(tries)[:2] == (F, "assertion")


def test_the_worst_host_speaks_for_the_environment_by_name():
    tries = [attempt("one", P), attempt("two", F, "assertion", "no"), attempt("three", E)]
    assert fold_attempts(tries) == (F, "assertion", "host two: no")


def test_a_host_that_is_named_already_is_not_named_twice():
    tries = [attempt("one", P), attempt("two", E, "environment", "host two: names are dead")]
    assert fold_attempts(tries) == (E, "environment", "host two: names are dead")


def test_a_first_try_on_a_second_host_is_no_retry():
    assert fold_attempts([attempt("one", P), attempt("two", P, number=2)]) == (P, "", "")


def test_a_host_that_was_never_tried_is_missing():
    answer = fold_hosts([attempt("one", P)], hosts=("one", "two"))
    assert answer == (M, "empty", "host two: never started")


@given(st.lists(st.tuples(st.sampled_from("ab"), MEASURED), max_size=6), MEASURED)
def test_one_more_host_never_improves_a_cell(tries, another):
    attempts = [attempt(host, verdict) for host, verdict in tries]
    before = fold_attempts(attempts)[0] if attempts else P
    after = fold_attempts([*attempts, attempt("c", another)])[0]
    assert SEVERITY.index(after) <= SEVERITY.index(before)
