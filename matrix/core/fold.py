"""From what was planned and what came back to one verdict. Pure; the only place that says PASSED.

``fold`` takes the first row that holds:

| what came back                                       | verdict | reason                       |
|------------------------------------------------------|---------|------------------------------|
| no probe was planned                                 | MISSING | empty                        |
| the run was cancelled                                | MISSING | cancelled                    |
| faults, all of them the service's own (exited, …)    | FAILED  | the first fault's            |
| any other fault, whatever the probes say             | ERROR   | the first such fault's       |
| the probe process crashed or met the deadline        | ERROR   | probe-crash, deadline        |
| nothing at all                                       | MISSING | empty                        |
| a probe that was not planned, or one twice, or STALE | ERROR   | probe-set                    |
| a control not planned, or neither PASSED, UNSUPPORTED nor ERROR | ERROR | control             |
| anything else                                        | worst of the planned probes          ||

Rows two to five come before the probes: a FAILED that was seen while a fault, a crash or an
overrun deadline tainted the cell cannot be told apart from one of the service.

A planned probe counts as

| it came back as                                      | counts as                              |
|------------------------------------------------------|----------------------------------------|
| not at all                                           | MISSING missing                        |
| PASSED or WARNED, but skipped or xfailed             | MISSING skipped                        |
| PASSED with any other reason                         | MISSING, that reason                   |
| FAILED, declared ``warn``                            | WARNED                                 |
| anything else                                        | what it says                           |
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matrix.core.errors import Cancelled, DeadlineExceeded, ProbeCrashed, ServiceFailure
from matrix.core.result import Attempt, Ending, Fault, PlannedProbe, ProbeReport, ProbeResult
from matrix.core.verdict import Verdict, worst

#: A verdict, its reason ("" when PASSED) and one sentence for people.
Answer = tuple[Verdict, str, str]

#: First part of the ids of the controls; no folder of probes may have this name.
CONTROLS = "control"
#: A nonce that was planted is seen, and one that was not is not seen.
CONTROLS_WANTED = 2

#: Reasons of faults that the service itself is to blame for.
_OWN: tuple[type[ServiceFailure], ...] = (ServiceFailure, *ServiceFailure.__subclasses__())
OWN_FAULTS = frozenset(kind.reason for kind in _OWN)
NOT_RUN = ("skipped", "xfailed")
GREEN = (Verdict.PASSED, Verdict.WARNED)
EMPTY = "empty"
MISSING = "missing"
CONTROL = "control"
PROBE_SET = "probe-set"
RETRIED = "retried"
#: Names shown in a message before it says how many more there are.
SHOWN = 3


def is_control(probe: str) -> bool:
    """Whether the probe of this id is one of the two controls."""
    return probe.partition("/")[0] == CONTROLS


def fold(planned: Sequence[PlannedProbe], report: ProbeReport) -> Answer:
    """The verdict of one attempt, by the tables of this module."""
    if not planned:
        return Verdict.MISSING, EMPTY, "no probe was planned"
    return (
        _taint(report)
        or _distrust(planned, report)
        or _worst_of([_counted(probe, report) for probe in planned])
    )


def fold_attempts(attempts: Sequence[Attempt]) -> Answer:
    """The verdict of a cell on the hosts that were tried, in the order of their first attempt.

    Of each host its last attempt counts, and of several hosts the worst:

    | last attempt of the host | earlier ones | the host is            |
    |--------------------------|--------------|------------------------|
    | PASSED, WARNED           | none         | that                   |
    | PASSED, WARNED           | some         | WARNED retried         |
    | anything else            |              | that                   |

    No attempt at all is MISSING.
    """
    return fold_hosts(attempts, hosts=tuple(dict.fromkeys(attempt.host for attempt in attempts)))


def _of_host(host: str, message: str) -> str:
    """*message* with the name of its host before it, unless it begins so by itself."""
    named = f"host {host}: "
    return message if not message or message.startswith(named) else named + message


def fold_hosts(attempts: Sequence[Attempt], *, hosts: Sequence[str]) -> Answer:
    """As ``fold_attempts`` for all *hosts* of an environment; one never tried is MISSING."""
    answers = [_host_answer(host, attempts) for host in hosts]
    if len(answers) > 1:
        answers = [
            (verdict, reason, _of_host(host, message))
            for host, (verdict, reason, message) in zip(hosts, answers, strict=True)
        ]
    verdict = worst(answer[0] for answer in answers)
    return next(
        (answer for answer in answers if answer[0] is verdict),
        (verdict, EMPTY, "never started"),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Counted:
    """One planned probe as it counts."""

    title: str
    verdict: Verdict
    reason: str
    message: str


def _taint(report: ProbeReport) -> Answer | None:
    """What makes the probes' own verdicts worthless."""
    if report.ending is Ending.CANCELLED:
        return Verdict.MISSING, Cancelled.reason, str(Cancelled())
    if report.faults:
        return _fault_answer(report.faults)
    if report.ending is Ending.CRASHED:
        said = _last_words(report, otherwise="the probes' process ended early")
        return Verdict.ERROR, ProbeCrashed.reason, said
    if report.ending is Ending.DEADLINE:
        said = _last_words(report, otherwise="the cell's deadline was over")
        return Verdict.ERROR, DeadlineExceeded.reason, said
    return None


def _last_words(report: ProbeReport, *, otherwise: str) -> str:
    """What is known about the probe that ran when the process ended."""
    last = next((one for one in report.results if one.id == report.running), None)
    if last is not None and last.message:
        return f"{last.title}: {last.message} ({last.id})"
    return f"{otherwise}, in {report.running}" if report.running else otherwise


def _fault_answer(faults: Sequence[Fault]) -> Answer:
    not_its_own = [fault for fault in faults if fault.reason not in OWN_FAULTS]
    if not_its_own:
        return Verdict.ERROR, not_its_own[0].reason, not_its_own[0].message
    return Verdict.FAILED, faults[0].reason, faults[0].message


def _distrust(planned: Sequence[PlannedProbe], report: ProbeReport) -> Answer | None:
    """What makes the report as a whole worthless."""
    if not report.results:
        return Verdict.MISSING, EMPTY, f"none of {len(planned)} planned probes came back"
    ids = Counter(result.id for result in report.results)
    strange = sorted(ids.keys() - {probe.id for probe in planned})
    if strange:
        return Verdict.ERROR, PROBE_SET, f"came back but was not planned: {_some(strange)}"
    twice = sorted(probe for probe, count in ids.items() if count > 1)
    if twice:
        return Verdict.ERROR, PROBE_SET, f"came back more than once: {_some(twice)}"
    stale = sorted(result.id for result in report.results if result.verdict is Verdict.STALE)
    if stale:
        return Verdict.ERROR, PROBE_SET, f"STALE cannot be measured: {_some(stale)}"
    return _distrust_controls(planned, report)


def _distrust_controls(planned: Sequence[PlannedProbe], report: ProbeReport) -> Answer | None:
    controls = [_counted(probe, report) for probe in planned if is_control(probe.id)]
    if len(controls) < CONTROLS_WANTED:
        return Verdict.ERROR, CONTROL, "the two controls were not planned"
    held = (Verdict.PASSED, Verdict.UNSUPPORTED, Verdict.ERROR)
    for control in controls:
        if control.verdict not in held:
            why = f": {control.message}" if control.message else ""
            return Verdict.ERROR, CONTROL, f"control does not hold: {control.title}{why}"
    return None


def _counted(probe: PlannedProbe, report: ProbeReport) -> _Counted:
    result = next((one for one in report.results if one.id == probe.id), None)
    if result is None:
        return _Counted(
            title=probe.title,
            verdict=Verdict.MISSING,
            reason=MISSING,
            message="planned, but nothing came back",
        )
    return _Counted(
        title=probe.title,
        verdict=_verdict_of(probe, result),
        reason=result.reason,
        message=result.message,
    )


def _verdict_of(probe: PlannedProbe, result: ProbeResult) -> Verdict:
    if result.verdict in GREEN and result.reason in NOT_RUN:
        return Verdict.MISSING
    if result.verdict is Verdict.PASSED and result.reason:
        return Verdict.MISSING
    if result.verdict is Verdict.FAILED and probe.warn:
        return Verdict.WARNED
    return result.verdict


def _worst_of(probes: Sequence[_Counted]) -> Answer:
    verdict = worst(probe.verdict for probe in probes)
    if verdict is Verdict.PASSED:
        return verdict, "", ""
    first, *more = [probe for probe in probes if probe.verdict is verdict]
    message = f"{first.title}: {first.message}" if first.message else first.title
    return verdict, first.reason, message + (f" (and {len(more)} more)" if more else "")


def _host_answer(host: str, attempts: Sequence[Attempt]) -> Answer:
    tried = [attempt for attempt in attempts if attempt.host == host]
    if not tried:
        return Verdict.MISSING, EMPTY, "never started"
    *earlier, last = tried
    if last.verdict in GREEN and earlier:
        first = earlier[0]
        why = f"first {first.verdict.value} ({first.reason}): {first.message}"
        return Verdict.WARNED, RETRIED, f"passed only at attempt {len(tried)}; {why}"
    return last.verdict, last.reason, last.message


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
