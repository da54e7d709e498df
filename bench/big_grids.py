"""Reports as large as one wants, with a past, failures and evidence, always the same ones."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from matrix.core.clusters import find_clusters
from matrix.core.grid import Decision, Door, Grid, GridCell, Report
from matrix.core.history import PANEL_LENGTH, CellHistory, Past
from matrix.core.model import CellId, Environment, Host, Kind, RunSettings, Service
from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    CommandResult,
    EnvironmentFinding,
    HostFinding,
    ProbeResult,
    Side,
)
from matrix.core.verdict import Verdict

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
KINDS = tuple(Kind)
WEIGHTS = {
    Verdict.PASSED: 880,
    Verdict.WARNED: 30,
    Verdict.FAILED: 50,
    Verdict.ERROR: 20,
    Verdict.MISSING: 10,
    Verdict.UNSUPPORTED: 10,
}
#: Verdicts of cells that no run has measured.
NOT_MEASURED = {Verdict.MISSING: "never", Verdict.UNSUPPORTED: "requirement"}
#: Probes that a cell reports with their output; a real cell has some thirty.
PROBES = 4


def big_report(*, services: int, environments: int) -> Report:
    """A grid of that size, each cell with a past of thirty measurements."""
    random = Random(services * 1000 + environments)
    rows, columns = tuple(map(_service, range(services))), tuple(map(_place, range(environments)))
    cells = {
        CellId(service=row.name, environment=column.name): _cell(row, column, random)
        for row in rows
        for column in columns
    }
    grid = Grid(
        services=rows,
        environments=columns,
        cells=cells,
        findings={column.name: _finding(column) for column in columns},
    )
    return Report(
        project="bench",
        grid=grid,
        decision=Decision(
            door=Door.CLOSED,
            exit_code=1,
            reasons=tuple(f"{at}: {one.verdict.value}" for at, one in cells.items() if one.message),
            required=len(cells),
            known=len(cells),
            oldest=next(at for at, cell in cells.items() if cell.result),
        ),
        run="01big",
        state="finished",
        started_at=AT,
        finished_at=AT + timedelta(minutes=40),
        by="bench@here",
        release="",
        plan_digest=_digest("plan"),
        version="bench",
        history={at: _history(cell, random) for at, cell in cells.items() if cell.result},
        clusters=find_clusters(grid),
    )


def _service(number: int) -> Service:
    return Service(
        name=f"service-{number:03}",
        title=f"Service {number}",
        contents="Python 3.11 + Flask + psycopg2",
        image=f"image-{number:03}",
        settings=RunSettings(),
        owner=f"team-{number % 7}",
    )


def _place(number: int) -> Environment:
    name = f"place-{number:03}"
    return Environment(
        name=name,
        title=f"Place {number}",
        kind=KINDS[number % len(KINDS)],
        hosts=(Host(name=f"{name}-1", connection="ssh"),),
        engine=("docker", "podman")[number % 5 == 0],
        labels={"site": f"site-{number % 4}"},
    )


def _finding(environment: Environment) -> EnvironmentFinding:
    facts = {f"fact.{number}": f"{environment.name} {number % 3}" for number in range(24)}
    host = HostFinding(
        host=environment.hosts[0].name,
        facts={"architecture": "amd64", "distribution": "debian", **facts},
        fingerprint=_digest(environment.name),
    )
    return EnvironmentFinding(environment=environment.name, hosts=(host,))


def _cell(service: Service, environment: Environment, random: Random) -> GridCell:
    at = CellId(service=service.name, environment=environment.name)
    (verdict,) = random.choices(tuple(WEIGHTS), weights=tuple(WEIGHTS.values()))
    if verdict in NOT_MEASURED:
        return GridCell(cell=at, verdict=verdict, reason=NOT_MEASURED[verdict])
    bad = verdict is not Verdict.PASSED
    said = f"port {random.randrange(65536)} is not reachable from the host" if bad else ""
    reason = "assertion" if bad else ""
    result = CellResult(
        cell=at,
        verdict=verdict,
        reason=reason,
        message=said,
        attempts=(_attempt(verdict, said, random),),
        image_id=_digest(service.name),
        fingerprint=_digest(environment.name),
        probes_digest=_digest(f"probes of {service.name}"),
        finished_at=AT - timedelta(minutes=random.randrange(20000)),
    )
    return GridCell(
        cell=at, verdict=verdict, reason=reason, message=said, run="01big", result=result
    )


def _attempt(verdict: Verdict, said: str, random: Random) -> Attempt:
    probes = tuple(_probes(verdict, said, random))
    return Attempt(
        number=1,
        host="1",
        verdict=verdict,
        message=said,
        probes=probes,
        planned=tuple(probe.id for probe in probes),
        image_id=_digest("image"),
        logs={"": "ready to accept connections\n" * 10},
        started_at=AT,
        seconds=3 + random.random(),
        steps={"start": 0.6, "probe": 1.8, "clean": 0.6},
    )


def _probes(verdict: Verdict, said: str, random: Random) -> Iterator[ProbeResult]:
    for number in range(PROBES):
        bad = verdict is not Verdict.PASSED and number == 0
        yield ProbeResult(
            id=f"outside/test_outside.py::test_{number}",
            side=Side.OUTSIDE,
            title=f"Thing {number} works",
            verdict=verdict if bad else Verdict.PASSED,
            reason="assertion" if bad else "",
            message=said if bad else "",
            seconds=0.02,
            commands=(CommandRecord(side=Side.OUTSIDE, target="", result=_command(random)),),
        )


def _command(random: Random) -> CommandResult:
    output = f"LISTEN 0 511 127.0.0.1:{random.randrange(65536)}\n".encode() * 12
    return CommandResult(
        command="ss -ltn",
        exit_status=0,
        stdout=output,
        stderr=b"",
        stdout_bytes=len(output),
        stderr_bytes=0,
        seconds=0.002,
    )


def _history(cell: GridCell, random: Random) -> CellHistory:
    before = random.choices((Verdict.PASSED, Verdict.FAILED), (9, 1), k=PANEL_LENGTH - 1)
    past = tuple(_past(cell, verdict, at) for at, verdict in enumerate((cell.verdict, *before)))
    return CellHistory(past=past, first_bad=None, flaky=random.randrange(50) == 0)


def _past(cell: GridCell, verdict: Verdict, number: int) -> Past:
    return Past(
        run=f"01big{number:03}",
        release="",
        verdict=verdict,
        reason="" if verdict is Verdict.PASSED else "assertion",
        finished_at=AT - timedelta(days=number),
        image_id=_digest(cell.cell.service),
        fingerprint=_digest(cell.cell.environment),
        probes_digest=_digest("probes"),
        retries=0,
    )


def _digest(of: str) -> str:
    return "sha256:" + hashlib.sha256(of.encode()).hexdigest()
