"""The table of ``judge``, line by line, and which line wins."""

from pathlib import Path

import pytest

from matrix.core.result import PlannedProbe, Side
from matrix.core.verdict import Verdict
from matrix.probing.judge import KINDS, OUTCOMES, WHENS, Evidence, Phase, Told, judge


def phase(when: str, kind: str = "", *, reason: str = "") -> Phase:
    """A phase that passed, unless it has a kind."""
    outcome = "passed" if not kind else "skipped" if kind == "skip" else "failed"
    return Phase(
        when=when, outcome=outcome, kind=kind, reason=reason, message=f"{when} {kind}", detail="D"
    )


def evidence(setup="", call="", teardown="", *, told=(), cut=False) -> Evidence:
    """All three phases, each with its kind."""
    phases = [phase("setup", setup), phase("call", call), phase("teardown", teardown)]
    return Evidence(phases=phases, told=told, cut=cut)


def told(verdict: str, reason: str) -> Told:
    """What the runner had to say no to."""
    return Told(verdict=Verdict[verdict], reason=reason, message="cable cut")


def planned(probe_id: str = "queue/test_a.py::test_a", *, warn: bool = False) -> PlannedProbe:
    """A probe of the plan."""
    return PlannedProbe(id=probe_id, side=Side.INSIDE, title="a", warn=warn, file=Path("/a"))


LOST = (told("ERROR", "conn-lost"),)
TABLE = {
    "passed": (evidence(), "PASSED", ""),
    "assertion": (evidence(call="assertion"), "FAILED", "assertion"),
    "code": (evidence(call="code"), "ERROR", "probe-code"),
    "tool": (evidence(call="tool"), "ERROR", "tool"),
    "tool in setup": (evidence(setup="tool"), "ERROR", "tool"),
    "setup": (evidence(setup="assertion"), "ERROR", "probe-code"),
    "teardown": (evidence(teardown="assertion"), "ERROR", "probe-code"),
    "assertion, then teardown": (
        evidence(call="assertion", teardown="code"),
        "FAILED",
        "assertion",
    ),
    "skip": (evidence(call="skip"), "MISSING", "skipped"),
    "skip in setup": (evidence(setup="skip"), "MISSING", "skipped"),
    "skip, then teardown": (evidence(call="skip", teardown="code"), "ERROR", "probe-code"),
    "exit": (evidence(call="exit"), "ERROR", "probe-crash"),
    "fault and passed": (evidence(told=LOST), "ERROR", "conn-lost"),
    "fault and failed": (evidence(call="assertion", told=LOST), "ERROR", "conn-lost"),
    "fault and skipped": (evidence(call="skip", told=LOST), "ERROR", "conn-lost"),
    "fault and exit": (evidence(call="exit", told=LOST), "ERROR", "conn-lost"),
    "usage": (evidence(told=(told("ERROR", "usage"),)), "ERROR", "probe-code"),
    "cut and passed": (evidence(cut=True), "ERROR", "truncated"),
    "cut and failed": (evidence(call="assertion", cut=True), "ERROR", "truncated"),
    "cut and broken": (evidence(call="code", cut=True), "ERROR", "probe-code"),
    "cut and skipped": (evidence(call="skip", cut=True), "MISSING", "skipped"),
    "service failure, caught": (evidence(told=(told("FAILED", "not-ready"),)), "PASSED", ""),
    "an answer nobody gave": (evidence(call="answer"), "ERROR", "probe-code"),
    "nothing": (Evidence(phases=(), told=(), cut=False), "ERROR", "probe-crash"),
    "no call": (
        Evidence(phases=(phase("setup"), phase("teardown")), told=(), cut=False),
        "ERROR",
        "probe-crash",
    ),
    "no teardown": (
        Evidence(phases=(phase("setup"), phase("call")), told=(), cut=False),
        "ERROR",
        "probe-crash",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_each_line_of_the_table_holds(name):
    found, verdict, reason = TABLE[name]
    judgement = judge(planned(), found)
    assert (judgement.verdict.value, judgement.reason) == (verdict, reason)


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize(
    ("verdict", "reason"), [("FAILED", "not-ready"), ("UNSUPPORTED", "architecture")]
)
def test_what_the_runner_answered_is_the_verdict_wherever_it_was_met(when, verdict, reason):
    phases = [phase(one, "answer" if one == when else "", reason=reason) for one in WHENS]
    found = Evidence(phases=phases, told=(told(verdict, reason),), cut=False)
    judgement = judge(planned(), found)
    assert (judgement.verdict.value, judgement.reason) == (verdict, reason)


def test_a_probe_that_only_warns_never_fails():
    judgement = judge(planned(warn=True), evidence(call="assertion"))
    assert (judgement.verdict, judgement.reason) == (Verdict.WARNED, "assertion")
    assert judge(planned(warn=True), evidence(call="code")).verdict is Verdict.ERROR


def test_a_control_never_fails_it_is_we_who_do():
    judgement = judge(planned("control/planted_nonce_is_seen"), evidence(call="assertion"))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERROR, "control")


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_three_passed_phases_is_passed(when, kind):
    assert judge(planned(), evidence(**{when: kind})).verdict is not Verdict.PASSED


def test_the_words_of_the_process_are_the_three_outcomes_of_pytest():
    assert OUTCOMES == ("passed", "failed", "skipped")
