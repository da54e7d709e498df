"""Reports to render: an empty one, a realistic one with all seven verdicts, a hostile one."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from matrix.core.grid import Decision, Door, Grid, GridCell, Report
from matrix.core.model import CellId, Environment, Host, Kind, RunSettings, Service
from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    CommandResult,
    EnvironmentFinding,
    Facts,
    Fault,
    HostFinding,
    Leftover,
    ProbeResult,
    Side,
)
from matrix.core.verdict import Verdict

BEGAN = datetime(2026, 11, 22, 17, 5, 12, tzinfo=UTC)
RUN = "01jd9r2c7q"


def digest(of: str) -> str:
    return "sha256:" + hashlib.sha256(of.encode()).hexdigest()


def a_service(name: str, *, title: str = "", contents: str = "") -> Service:
    return Service(
        name=name,
        title=title or name.capitalize(),
        contents=contents,
        image=name,
        settings=RunSettings(),
    )


def an_environment(name: str, *, title: str = "", kind: Kind = Kind.QA) -> Environment:
    host = Host(name=f"{name}-1", connection="ssh")
    return Environment(name=name, title=title or name, kind=kind, hosts=(host,), engine="docker")


def a_command(
    command: str,
    *,
    out: str | bytes = "",
    err: str | bytes = "",
    status: int = 0,
    side: Side = Side.INSIDE,
    came: int | None = None,
    target: str = "",
) -> CommandRecord:
    stdout = out.encode() if isinstance(out, str) else out
    stderr = err.encode() if isinstance(err, str) else err
    result = CommandResult(
        command=command,
        exit_status=status,
        stdout=stdout,
        stderr=stderr,
        stdout_bytes=len(stdout) if came is None else came,
        stderr_bytes=len(stderr),
        seconds=0.0021,
    )
    return CommandRecord(side=side, target=target, result=result)


def a_probe(
    title: str,
    verdict: Verdict = Verdict.PASSED,
    *,
    side: Side = Side.INSIDE,
    folder: str = "queue",
    reason: str = "",
    message: str = "",
    detail: str = "",
    commands: tuple[CommandRecord, ...] = (),
    output: str = "",
    seconds: float = 0.032,
) -> ProbeResult:
    name = title.lower().replace(" ", "_").replace(",", "")
    return ProbeResult(
        id=f"{folder}/test_{folder}.py::test_{name}",
        side=side,
        title=title,
        verdict=verdict,
        reason=reason,
        message=message,
        detail=detail,
        seconds=seconds,
        commands=commands,
        output=output,
    )


def an_attempt(
    probes: Iterable[ProbeResult] = (),
    *,
    verdict: Verdict = Verdict.PASSED,
    host: str = "qa-1",
    number: int = 1,
    seconds: float = 12.3,
    image: str = "queue",
    also_planned: tuple[str, ...] = (),
    **more: object,  # the remaining fields of Attempt
) -> Attempt:
    probes = tuple(probes)
    known = {
        "steps": {"deliver": 1.9, "start": 0.61, "ready": 2.74, "probe": 6.2, "clean": 0.84},
        "image_id": digest(image),
        **more,
    }
    return Attempt(
        number=number,
        host=host,
        verdict=verdict,
        probes=probes,
        planned=(*(probe.id for probe in probes), *also_planned),
        started_at=BEGAN + timedelta(seconds=8),
        seconds=seconds,
        **known,
    )


def a_cell(
    service: str,
    environment: str,
    verdict: Verdict,
    *attempts: Attempt,
    reason: str = "",
    message: str = "",
) -> GridCell:
    at = CellId(service=service, environment=environment)
    result = CellResult(
        cell=at,
        verdict=Verdict.PASSED if verdict is Verdict.STALE else verdict,
        reason=reason,
        message=message,
        attempts=attempts,
        image_id=digest(service),
        fingerprint=digest(environment),
        probes_digest=digest(f"probes of {service}"),
        finished_at=BEGAN + timedelta(seconds=61),
    )
    left_out = verdict is Verdict.UNSUPPORTED or (verdict is Verdict.MISSING and not attempts)
    return GridCell(
        cell=at,
        verdict=verdict,
        reason=reason,
        message=message,
        run="" if left_out else RUN,
        result=None if left_out else result,
    )


def a_finding(
    environment: str, facts: Facts, *, fault: Fault | None = None, deviations: tuple[str, ...] = ()
) -> EnvironmentFinding:
    host = HostFinding(
        host=f"{environment}-1",
        facts=facts,
        fingerprint=digest(environment),
        fault=fault,
        deviations=deviations,
    )
    return EnvironmentFinding(environment=environment, hosts=(host,))


def a_report(
    services: tuple[Service, ...],
    environments: tuple[Environment, ...],
    cells: Iterable[GridCell] = (),
    *,
    findings: Iterable[EnvironmentFinding] = (),
    door: Door = Door.INCOMPLETE,
    exit_code: int = 4,
    reasons: tuple[str, ...] = (),
    known: int = 0,
    leftovers: tuple[Leftover, ...] = (),
) -> Report:
    grid = Grid(
        services=services,
        environments=environments,
        cells={cell.cell: cell for cell in cells},
        findings={finding.environment: finding for finding in findings},
    )
    times = {
        at: cell.result.finished_at
        for at, cell in grid.cells.items()
        if cell.result and cell.result.finished_at
    }
    decision = Decision(
        door=door,
        exit_code=exit_code,
        reasons=reasons,
        required=len(services) * len(environments),
        known=known,
        oldest=min(times, key=times.__getitem__, default=None),
    )
    return Report(
        project="shop",
        grid=grid,
        decision=decision,
        run=RUN,
        state="finished",
        started_at=BEGAN,
        finished_at=BEGAN + timedelta(seconds=102),
        by="qa@build-3",
        release="2.4",
        plan_digest=digest("plan"),
        version="0.1.0",
        leftovers=leftovers,
    )


def an_empty_report() -> Report:
    """A plan that nothing came back for."""
    return a_report(
        (a_service("queue"), a_service("website")),
        (an_environment("laptop", kind=Kind.LAPTOP), an_environment("qa", title="QA server")),
        reasons=("queue@laptop: MISSING, never measured",),
    )


HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    "\x1b[31mred\x1b[0m\x1b]0;title\x07 \u202egnp.exe \x00 ]]> | `code` @everyone #1 "
    "[link](javascript:alert(3)) {{ 7*7 }} \x9b2J FAILED\rPASSED \ud800 \ufffe"
)


def a_hostile_attempt() -> Attempt:
    flood = ("A" * 5_000_000 + HOSTILE).encode("utf-8", "backslashreplace")
    raw = HOSTILE.encode("utf-8", "surrogatepass") + b"\xff\xfe"
    probe = replace(
        a_probe("hostile", Verdict.FAILED),
        id=f"queue/test_queue.py::test_hostile[{HOSTILE}]",
        title=HOSTILE,
        reason=HOSTILE,
        message=HOSTILE,
        detail=HOSTILE * 3,
        output=HOSTILE,
        commands=(
            a_command(HOSTILE, out=raw, err=raw, status=1, target=HOSTILE),
            a_command("cat /flood", out=flood),
        ),
    )
    return an_attempt(
        (probe,),
        verdict=Verdict.FAILED,
        host=HOSTILE,
        message=HOSTILE,
        faults=(Fault(reason=HOSTILE, message=HOSTILE),),
        logs={"": HOSTILE * 50, HOSTILE: HOSTILE},
        traceback=HOSTILE,
        also_planned=(HOSTILE,),
    )


def a_hostile_report() -> Report:
    """Every text a host, image or inventory can give us tries to do something."""
    attempt = a_hostile_attempt()
    fault = Fault(reason="unreachable", message=HOSTILE)
    facts: Facts = {"distribution": HOSTILE, HOSTILE: HOSTILE, "architecture": None}
    leftover = Leftover(
        environment="qa", host=HOSTILE, kind="container", id=HOSTILE, name=HOSTILE, remedy=HOSTILE
    )
    report = a_report(
        (a_service("queue", title=HOSTILE, contents=HOSTILE),),
        (an_environment("qa", title=HOSTILE),),
        (a_cell("queue", "qa", Verdict.FAILED, attempt, reason=HOSTILE, message=HOSTILE),),
        findings=(a_finding("qa", facts, fault=fault, deviations=(HOSTILE,)),),
        door=Door.CLOSED,
        exit_code=1,
        reasons=(f"queue@qa: {HOSTILE}",),
        leftovers=(leftover,),
    )
    return replace(report, project=HOSTILE, by=HOSTILE, release=HOSTILE)
