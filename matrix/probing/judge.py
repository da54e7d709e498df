"""From what a probe's process says about a probe to its verdict.

The first line that applies:

| what happened                                                  | verdict     | reason      |
|----------------------------------------------------------------|-------------|-------------|
| something asked of the runner met a fault, swallowed or not    | ERROR       | the fault's |
| the probe wanted something that is not to be had (usage)       | ERROR       | probe-code  |
| sys.exit                                                       | ERROR       | probe-crash |
| not each of setup, call (unless setup failed) and teardown     | ERROR       | probe-crash |
| came back                                                      |             |             |
| what the runner answered says that the service does not work   | FAILED      | its own     |
| or that the probe cannot apply there, and it was not caught    | UNSUPPORTED | its own     |
| a program that testinfra needs is not there                    | ERROR       | tool        |
| setup failed                                                   | ERROR       | probe-code  |
| another exception than AssertionError in the call              | ERROR       | probe-code  |
| an output was read of which some was not kept, unless skipped  | ERROR       | truncated   |
| AssertionError or pytest.fail in the call                      | FAILED      | assertion   |
| teardown failed                                                | ERROR       | probe-code  |
| pytest.skip, skip and xfail markers                            | MISSING     | skipped     |
| setup, call and teardown passed                                | PASSED      |             |

At last FAILED becomes WARNED for a probe marked ``warn``, and ERROR (control) for a control: when
a control fails, we are the ones who do not work.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace

from matrix.core.errors import (
    OutputTruncated,
    ProbeCodeError,
    ProbeCrashed,
    ToolMissing,
    UsageError,
)
from matrix.core.result import PlannedProbe
from matrix.core.verdict import Verdict

CONTROL = "control/"
WHENS = ("setup", "call", "teardown")
OUTCOMES = ("passed", "failed", "skipped")
#: What a phase that did not pass came to.
KINDS = ("assertion", "code", "tool", "exit", "answer", "skip")


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One of setup, call and teardown, as reported."""

    #: One of WHENS.
    when: str
    #: One of OUTCOMES.
    outcome: str
    #: "" when passed, else one of KINDS.
    kind: str
    #: For "answer": the reason the runner gave with it.
    reason: str
    message: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the runner had to say no to while a probe ran."""

    verdict: Verdict
    reason: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All that a judgement of one probe rests on."""

    phases: Sequence[Phase]
    told: Sequence[Told]
    #: Whether an output was read of which some was not kept.
    cut: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Verdict, reason and explanation of one probe."""

    verdict: Verdict
    reason: str
    message: str
    detail: str


def judge(probe: PlannedProbe, evidence: Evidence) -> Judgement:
    """The judgement of *probe* by the table above."""
    found = next(found for rule in RULES if (found := rule(evidence)) is not None)
    if found.verdict is not Verdict.FAILED:
        return found
    if probe.id.startswith(CONTROL):
        return replace(found, verdict=Verdict.ERROR, reason="control")
    return replace(found, verdict=Verdict.WARNED) if probe.warn else found


def _tainted(evidence: Evidence) -> Judgement | None:
    told = next((told for told in evidence.told if told.verdict is Verdict.ERROR), None)
    if told is None:
        return None
    reason = ProbeCodeError.reason if told.reason == UsageError.reason else told.reason
    detail = next((phase.detail for phase in evidence.phases if phase.kind == "answer"), "")
    return Judgement(verdict=Verdict.ERROR, reason=reason, message=told.message, detail=detail)


def _exited(evidence: Evidence) -> Judgement | None:
    return _error(evidence, ProbeCrashed.reason, kinds=("exit",))


def _incomplete(evidence: Evidence) -> Judgement | None:
    came = [phase.when for phase in evidence.phases]
    setup = all(phase.outcome == "passed" for phase in evidence.phases if phase.when == "setup")
    wanted = {"setup", "call", "teardown"} if setup else {"setup", "teardown"}
    if missing := wanted.difference(came):
        message = f"nothing came back of its {', '.join(sorted(missing))}"
        return Judgement(
            verdict=Verdict.ERROR, reason=ProbeCrashed.reason, message=message, detail=""
        )
    return None


def _answered(evidence: Evidence) -> Judgement | None:
    for phase in _failed(evidence, kinds=("answer",)):
        told = next((told for told in evidence.told if told.reason == phase.reason), None)
        verdict = told.verdict if told else Verdict.ERROR
        reason = told.reason if told else ProbeCodeError.reason
        return _judgement(phase, verdict, reason)
    return None


def _toolless(evidence: Evidence) -> Judgement | None:
    return _error(evidence, ToolMissing.reason, kinds=("tool",))


def _broken_setup(evidence: Evidence) -> Judgement | None:
    return _error(evidence, ProbeCodeError.reason, when=("setup",))


def _broken_call(evidence: Evidence) -> Judgement | None:
    return _error(evidence, ProbeCodeError.reason, when=("call",), kinds=("code",))


def _cut(evidence: Evidence) -> Judgement | None:
    if not evidence.cut or any(phase.outcome == "skipped" for phase in evidence.phases):
        return None
    detail = next((phase.detail for phase in _failed(evidence)), "")
    message = str(OutputTruncated())
    return Judgement(
        verdict=Verdict.ERROR, reason=OutputTruncated.reason, message=message, detail=detail
    )


def _asserted(evidence: Evidence) -> Judgement | None:
    for phase in _failed(evidence, when=("call",)):
        return _judgement(phase, Verdict.FAILED, "assertion")
    return None


def _broken_teardown(evidence: Evidence) -> Judgement | None:
    return _error(evidence, ProbeCodeError.reason, when=("teardown",))


def _skipped(evidence: Evidence) -> Judgement | None:
    for phase in evidence.phases:
        if phase.outcome == "skipped":
            return _judgement(phase, Verdict.MISSING, "skipped")
    return None


def _passed(evidence: Evidence) -> Judgement | None:
    return Judgement(verdict=Verdict.PASSED, reason="", message="", detail="")


#: The table, line by line; the last one holds only when no other did.
RULES: tuple[Callable[[Evidence], Judgement | None], ...] = (
    _tainted,
    _exited,
    _incomplete,
    _answered,
    _toolless,
    _broken_setup,
    _broken_call,
    _cut,
    _asserted,
    _broken_teardown,
    _skipped,
    _passed,
)


def _failed(
    evidence: Evidence, *, when: Container[str] = WHENS, kinds: Container[str] = KINDS
) -> Iterator[Phase]:
    for phase in evidence.phases:
        if phase.outcome == "failed" and phase.when in when and phase.kind in kinds:
            yield phase


def _error(
    evidence: Evidence,
    reason: str,
    *,
    when: Container[str] = WHENS,
    kinds: Container[str] = KINDS,
) -> Judgement | None:
    for phase in _failed(evidence, when=when, kinds=kinds):
        return _judgement(phase, Verdict.ERROR, reason)
    return None


def _judgement(phase: Phase, verdict: Verdict, reason: str) -> Judgement:
    return Judgement(verdict=verdict, reason=reason, message=phase.message, detail=phase.detail)
