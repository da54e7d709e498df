"""Everything foreign is cleaned once on its way in; our own keys stay as they are."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from matrix.core.model import CellId
from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    CommandResult,
    EnvironmentFinding,
    Fault,
    HostFinding,
    Leftover,
    ProbeResult,
    Run,
    RunState,
    Side,
)
from matrix.core.sink import clean_cell, clean_finding, clean_intent, clean_leftover, clean_run
from matrix.core.store_ports import Intent
from matrix.core.text import REDACTED, clean
from matrix.core.verdict import Verdict

#: A control character, a bidi override and a secret, in a place where text comes from a host.
BAD = "\x1b]0;owned\x07 \u202egnp.exe hunter2hunter2"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CELL = CellId(service="queue", environment="qa")

scrub = partial(clean, secrets=("hunter2hunter2",))


def command(stdout: bytes = b"", stderr: bytes = b"", *, cut: int = 0) -> CommandResult:
    return CommandResult(
        command=BAD,
        exit_status=0,
        stdout=stdout,
        stderr=stderr,
        stdout_bytes=len(stdout) + cut,
        stderr_bytes=len(stderr),
        seconds=0.1,
    )


def bad_cell(result: CommandResult) -> CellResult:
    probe = ProbeResult(
        id=BAD,
        side=Side.INSIDE,
        title=BAD,
        verdict=Verdict.FAILED,
        reason=BAD,
        message=BAD,
        detail=BAD,
        seconds=0.1,
        commands=(CommandRecord(side=Side.INSIDE, target="", result=result),),
        output=BAD,
    )
    attempt = Attempt(
        number=1,
        host="one",
        verdict=Verdict.FAILED,
        reason=BAD,
        message=BAD,
        probes=(probe,),
        faults=(Fault(reason=BAD, message=BAD),),
        planned=(BAD,),
        image_id=BAD,
        logs={"": BAD},
        traceback=BAD,
        started_at=NOW,
        seconds=1.0,
    )
    return CellResult(
        cell=CELL,
        verdict=Verdict.FAILED,
        reason=BAD,
        message=BAD,
        attempts=(attempt,),
        image_id=BAD,
    )


FINDING = EnvironmentFinding(
    environment="qa",
    hosts=(
        HostFinding(
            host="one",
            facts={BAD: BAD, "cpus": 4, "swap": None, "rootless": False},
            fingerprint="f",
            fault=Fault(reason=BAD, message=BAD),
            deviations=(BAD,),
        ),
    ),
)
LEFTOVER = Leftover(environment="qa", host="one", kind=BAD, id=BAD, name=BAD, remedy=BAD)


def assert_harmless(value: object) -> None:
    for bad in ("\\x1b", "\x1b", "\\u202eg", "hunter2"):
        assert bad not in repr(value).replace("\\\\", "\N{REVERSE SOLIDUS OPERATOR}")


def test_nothing_foreign_in_a_cell_gets_through():
    cleaned = clean_cell(bad_cell(command(BAD.encode(), BAD.encode())), scrub)
    assert_harmless(cleaned)
    assert cleaned.attempts[0].probes[0].output == scrub(BAD)
    assert REDACTED in cleaned.attempts[0].probes[0].commands[0].result.stdout.decode()


def test_nothing_foreign_in_a_finding_gets_through():
    cleaned = clean_finding(FINDING, scrub)
    assert_harmless(cleaned)
    assert cleaned.hosts[0].facts == {
        scrub(BAD): scrub(BAD),
        "cpus": 4,
        "swap": None,
        "rootless": False,
    }


def test_nothing_foreign_in_a_leftover_or_intent_gets_through():
    intent = Intent(
        run="r1", cell=CELL, environment="qa", host="one", kind="container", name="n", id=BAD
    )
    assert_harmless((clean_leftover(LEFTOVER, scrub), clean_intent(intent, scrub)))


def test_nothing_foreign_in_a_run_gets_through():
    run = Run(
        id="r1",
        state=RunState.RUNNING,
        started_at=NOW,
        release=BAD,
        by=BAD,
        plan_digest="d",
        cells=(CELL,),
        results=(bad_cell(command(BAD.encode())),),
        findings=(FINDING,),
        leftovers=(LEFTOVER,),
        version="1",
    )
    assert_harmless(clean_run(run, scrub))


def test_a_second_time_changes_nothing():
    once = clean_cell(bad_cell(command(BAD.encode(), b"\xff\x00")), scrub)
    assert clean_cell(once, scrub) == once


def test_what_is_harmless_stays_the_very_same():
    harmless = replace(FINDING, hosts=(replace(FINDING.hosts[0], facts={}, fault=None),))
    assert clean_finding(harmless, str) == harmless


def test_bytes_that_are_no_text_are_shown_not_lost():
    cleaned = clean_cell(bad_cell(command(b"a\xffb")), scrub)
    assert cleaned.attempts[0].probes[0].commands[0].result.stdout == b"a\\xffb"


def test_cleaning_does_not_make_output_look_truncated_or_whole():
    for cut in (0, 1, 5000):
        result = clean_cell(bad_cell(command(BAD.encode(), cut=cut)), scrub)
        cleaned = result.attempts[0].probes[0].commands[0].result
        assert cleaned.truncated == bool(cut)
        if not cut:
            assert cleaned.stdout_bytes == len(cleaned.stdout)


def test_what_came_in_all_is_told_though_less_of_it_is_kept():
    raw = replace(command(b"\0" * 1000), stdout_bytes=3_000_000)
    cleaned = clean_cell(bad_cell(raw), scrub).attempts[0].probes[0].commands[0].result
    assert cleaned.stdout_bytes == 3_000_000
