"""The page's evidence: the worst first, never more than fits, and saying what is left out."""

from dataclasses import replace

import pytest
from builders.reports import a_cell, a_command, a_probe, a_report, a_service, an_attempt
from builders.reports import an_environment as an_environment_named
from builders.shop import shop_report

from matrix.core.grid import Report
from matrix.core.result import ProbeResult, Side
from matrix.core.verdict import Verdict
from matrix.report.evidence import CELL_BYTES, ShownAttempt, ShownProbe, gather
from matrix.report.summary import places

FLOOD = a_command("cat /flood", out="x" * 100_000)


def shown(*probes: ProbeResult, **more: object) -> ShownAttempt:
    report = a_report(
        (a_service("queue"),),
        (an_environment_named("qa"),),
        (a_cell("queue", "qa", Verdict.FAILED, an_attempt(probes, **more)),),
    )
    ((attempt,),) = gather(places(report)).values()
    return attempt


def size(attempt: ShownAttempt) -> int:
    return sum(map(probe_size, (*attempt.inside, *attempt.outside)))


def probe_size(probe: ShownProbe) -> int:
    commands = sum(len((each.stdout + each.stderr).encode()) for each in probe.commands)
    return commands + sum(
        len(each.encode()) for each in (probe.detail, probe.message, probe.output)
    )


def test_a_failure_is_served_before_what_passed() -> None:
    attempt = shown(
        a_probe("first", commands=(FLOOD,)),
        a_probe("second", Verdict.FAILED, detail="why it failed", commands=(FLOOD,) * 9),
    )
    failed, passed = attempt.inside
    assert failed.result.title == "second"
    assert failed.detail == "why it failed"
    assert "100000 characters in all" in failed.commands[0].stdout
    assert passed.commands == ()
    assert passed.commands_left_out == 1


def test_a_flood_does_not_push_out_the_error_beside_it() -> None:
    flood = a_command("ffmpeg", out="x" * 900_000, err="Illegal instruction", status=132)
    attempt = shown(a_probe("p", Verdict.FAILED, commands=(flood,)), logs={"": "the last words"})
    assert attempt.inside[0].commands[0].stderr == "Illegal instruction"
    assert attempt.logs == (("", "the last words"),)


def test_the_log_of_a_failed_cell_comes_before_what_passed() -> None:
    attempt = shown(a_probe("first", commands=(FLOOD,) * 9), logs={"": "the last words"})
    assert attempt.logs == (("", "the last words"),)


def test_the_side_that_failed_comes_first() -> None:
    passed, failed = a_probe("p"), a_probe("q", Verdict.FAILED, side=Side.OUTSIDE)
    assert [side for side, _ in shown(passed, failed).sides] == [Side.OUTSIDE, Side.INSIDE]
    assert [side for side, _ in shown(passed).sides] == [Side.INSIDE, Side.OUTSIDE]


@pytest.mark.parametrize("letter", ["x", "é", "漢", "😀"])
def test_a_cell_stays_within_its_share(letter: str) -> None:
    flood = a_command("cat /flood", out=letter * 100_000)
    probes = [
        replace(a_probe(f"p{n}", commands=(flood,) * 3), output=letter * 9000) for n in range(9)
    ]
    assert CELL_BYTES / 2 < size(shown(*probes)) <= CELL_BYTES + 9 * 200


def test_a_report_stays_within_its_share_and_serves_failures_first() -> None:
    """The failed cell is the last of the grid; what passed has to do with what it leaves."""
    services = tuple(a_service(name) for name in ("a", "b", "c", "d"))
    verdicts = (*[Verdict.PASSED] * 3, Verdict.FAILED)
    cells = [
        a_cell(one.name, "qa", verdict, an_attempt([a_probe("p", verdict, commands=(FLOOD,) * 9)]))
        for one, verdict in zip(services, verdicts, strict=True)
    ]
    report = a_report(services, (an_environment_named("qa"),), cells)
    found = gather(places(report), most_bytes=CELL_BYTES + 10_000)
    sizes = {at.service: sum(map(size, attempts)) for at, attempts in found.items()}
    assert sum(sizes.values()) <= CELL_BYTES + 10_000 + 4 * 200
    assert sizes["d"] > CELL_BYTES - 10_000 > sizes["a"] > sizes["b"] == sizes["c"]


def test_an_earlier_attempt_is_served_after_the_one_that_decides() -> None:
    first = an_attempt([a_probe("p", Verdict.ERROR, detail="why")], number=1)
    last = an_attempt([a_probe("p", detail="short", commands=(FLOOD,) * 9)], number=2)
    report = a_report(
        (a_service("queue"),),
        (an_environment_named("qa"),),
        (a_cell("queue", "qa", Verdict.WARNED, first, last),),
    )
    ((early, late),) = gather(places(report)).values()
    assert (early.decides, late.decides) == (False, True)
    assert late.inside[0].detail == "short"
    assert "not shown" in early.inside[0].detail


def test_output_that_was_cut_when_it_was_run_says_so() -> None:
    attempt = shown(a_probe("p", commands=(a_command("yes", out="y\n", came=5_000_000),)))
    assert attempt.inside[0].commands[0].truncated == "4.8 MiB came, 2 B were kept"


def test_every_cell_has_its_evidence() -> None:
    report: Report = shop_report()
    assert gather(places(report)).keys() == {place.cell.cell for place in places(report)}
