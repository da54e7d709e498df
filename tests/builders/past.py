"""The shop's report with a past: history, a comparison with all nine classes, clusters, waivers."""

from dataclasses import replace
from datetime import date, timedelta

from builders.reports import BEGAN, RUN, digest
from builders.shop import shop_report

from matrix.core.clusters import find_clusters, signature_of
from matrix.core.drift import FactChange
from matrix.core.grid import Grid, Report
from matrix.core.history import CellHistory, Change, Comparison, Past
from matrix.core.model import CellId, Waiver
from matrix.core.verdict import Verdict
from matrix.core.vitality import Strength
from matrix.core.waivers import JudgedWaiver, WaiverState

P, W, F, E, M = (
    Verdict.PASSED,
    Verdict.WARNED,
    Verdict.FAILED,
    Verdict.ERROR,
    Verdict.MISSING,
)
#: Cell → its measurements before the newest one, newest first.
BEFORE = {
    "queue@qa": (F, F, F, P, P, E, P, P, P, P, P, P),
    "queue@cluster": (P, P, P, P, P, P, P, P),
    "worker@prod": (F,) * 29,
    "api@cloud": (P, E, P, P, P, P, P, P, P),
    "userdb@cloud": (P, F, P, F, P, P, P, P, P, P),
    "frontend@dev": (F, P, F, P, P, P, P, P),
    "website@qa": (P, P, P),
    "userdb@qa": (F, M, P, P),
}
FLAKY = ("userdb@cloud", "frontend@dev")
SITES = {"laptop": "home", "dev": "berlin", "qa": "berlin", "prod": "berlin", "cluster": "berlin"}
OWNERS = {"queue": "team-orders", "api": "team-orders", "userdb": "team-orders"}
CHANGES = {
    "queue@cluster": Change.REGRESSION,
    "frontend@prod": Change.FIXED,
    "queue@qa": Change.STILL_FAILING,
    "analytics@prod": Change.NEW_FAILURE,
    "website@cloud": Change.NEW_PASS,
    "api@qa": Change.ENVIRONMENT_CHANGED,
    "userdb@dev": Change.PROBES_CHANGED,
    "website@laptop": Change.APPEARED,
    "search@qa": Change.DISAPPEARED,
}
WAIVED = "worker@prod"


def cell_id(name: str) -> CellId:
    service, _, environment = name.partition("@")
    return CellId(service=service, environment=environment)


def a_past(number: int, verdict: Verdict, cell: CellId, *, retries: int = 0) -> Past:
    """The measurement that *number* others came after; another image before the fifth."""
    return Past(
        run=RUN if number == 0 else f"01jd{9 - number // 10}{30 - number:02}k7q",
        release={4: "2.3", 9: "2.2"}.get(number, ""),
        verdict=verdict,
        reason="" if verdict is P else {F: "assertion", E: "conn-lost"}.get(verdict, "never"),
        finished_at=BEGAN - timedelta(days=number, minutes=-1),
        image_id=digest(cell.service if number < 5 else f"{cell.service} before"),
        fingerprint=digest(cell.environment),
        probes_digest=digest(f"probes of {cell.service}"),
        retries=retries,
    )


def a_history(cell: CellId, verdicts: tuple[Verdict, ...], *, flaky: bool = False) -> CellHistory:
    past = tuple(a_past(number, verdict, cell) for number, verdict in enumerate(verdicts))
    bad = [
        one for one, at in zip(past, range(len(past)), strict=True) if is_bad(verdicts[: at + 1])
    ]
    return CellHistory(past=past, first_bad=bad[-1] if bad else None, flaky=flaky)


def is_bad(verdicts: tuple[Verdict, ...]) -> bool:
    return all(verdict in (F, E) for verdict in verdicts)


def histories(grid: Grid) -> dict[CellId, CellHistory]:
    measured = [cell for cell in grid.cells.values() if cell.result]
    return {
        cell.cell: a_history(
            cell.cell,
            (cell.result.verdict, *BEFORE.get(str(cell.cell), (P,) * 11)),
            flaky=str(cell.cell) in FLAKY,
        )
        for cell in measured
        if cell.result
    }


def a_waiver(cell: str, state: WaiverState, *, probe: str, signature: str) -> JudgedWaiver:
    waiver = Waiver(
        cell=cell_id(cell),
        probe=probe,
        signature=signature,
        reason="the old CPUs have no AVX2 until the move in December (OPS-412)",
        owner="dana@example.test",
        until=date(2026, 12, 31) if state is not WaiverState.EXPIRED else date(2026, 11, 21),
    )
    return JudgedWaiver(waiver=waiver, state=state)


def waivers(grid: Grid) -> tuple[JudgedWaiver, ...]:
    result = grid.cells[cell_id(WAIVED)].result
    assert result is not None
    probe = next(one for one in result.attempts[0].probes if one.verdict is F)
    outside = "outside/test_outside.py::test_memory_limit_is_enforced"
    return (
        a_waiver(WAIVED, WaiverState.USED, probe=probe.id, signature=signature_of(probe)),
        a_waiver("queue@qa", WaiverState.EXPIRED, probe=outside, signature="0" * 16),
        a_waiver("website@prod", WaiverState.UNUSED, probe=outside, signature="1" * 16),
    )


def furnished(grid: Grid) -> Grid:
    """With owners, sites, what is waived, and how strong some probes are; a fact changed."""
    waived = grid.cells[cell_id(WAIVED)]
    return replace(
        grid,
        services=tuple(
            replace(one, owner=OWNERS.get(one.name, "team-web")) for one in grid.services
        ),
        environments=tuple(
            replace(one, labels={"site": SITES[one.name]} if one.name in SITES else {})
            for one in grid.environments
        ),
        cells={**grid.cells, waived.cell: replace(waived, waived=True)},
        drift={
            "qa": (
                FactChange(
                    host="qa-1", fact="engine.version", before="20.10.24", after="26.1.5+dfsg1"
                ),
            )
        },
        strengths={
            "queue": Strength(
                proven=8,
                all=9,
                unproven=("queue/test_queue.py::test_sentinels_agree",),
                measured_at=BEGAN,
            )
        },
    )


def a_report_with_a_past() -> Report:
    """49 cells with all that the page can show; compared with release 2.3."""
    report = shop_report()
    grid = furnished(report.grid)
    judged = waivers(grid)
    note = (
        f"{WAIVED}: waived until 2026-12-31 by {judged[0].waiver.owner}: {judged[0].waiver.reason}"
    )
    return replace(
        report,
        grid=grid,
        decision=replace(report.decision, notes=(note,)),
        history=histories(grid),
        comparison=Comparison(
            baseline="2.3", changes={cell_id(name): kind for name, kind in CHANGES.items()}
        ),
        clusters=find_clusters(grid),
        waivers=judged,
    )
