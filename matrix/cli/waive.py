"""``matrix waive``: dated, reasoned exceptions to the gate."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import click

from matrix.answer import read_report
from matrix.cli.output import (
    counted,
    json_option,
    print_json,
    print_table,
    project_options,
    site,
    talk,
)
from matrix.core.clusters import signature_of
from matrix.core.errors import UsageError
from matrix.core.grid import Report
from matrix.core.model import CellId, Waiver
from matrix.core.selection import known, matches_any
from matrix.core.waiving import Failure, failures_of
from matrix.loading.policy_file import add_waiver, remove_waivers
from matrix.site import Site


@click.group("waive")
def command() -> None:
    """Let single failures through the gate until a day, with a reason and an owner.

    A waiver is for one probe of one cell and for what it says now: when it fails in another way,
    the waiver is void. The cell stays FAILED; only the gate goes on.
    """


@command.command("add")
@click.argument("cell")
@click.argument("probe")
@click.option("--reason", required=True, help="Why it may be.")
@click.option("--owner", required=True, help="Who takes care of it.")
@click.option(
    "--until",
    required=True,
    metavar="DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day on which it holds, in UTC.",
)
@click.option("--signature", default="", help="Of the failure (default: the present one).")
@project_options
def add(
    *,
    start: Path,
    inventories: Sequence[Path],
    cell: str,
    probe: str,
    reason: str,
    owner: str,
    until: datetime,
    signature: str,
) -> None:
    """Waive the failure of PROBE in CELL, such as queue@qa.

    PROBE is the id of a probe or a pattern for one, or "cell" for a failure of the cell as a
    whole. The waiver is written into policy.toml, beside whatever else is there.
    """
    if until.date() < today():
        raise UsageError(f"{until:%Y-%m-%d} is over: give a day to come")
    with site(start, inventories) as one:
        _check_place(one)
        at = _cell(one, cell)
        found = (
            (Failure(probe=probe, signature=signature),)
            if signature
            else _present(read_report(one), at, probe)
        )
        for failure in found:
            waiver = Waiver(
                cell=at,
                probe=failure.probe,
                signature=failure.signature,
                reason=reason,
                owner=owner,
                until=until.date(),
            )
            add_waiver(one.project.policy_file, waiver)
            talk(f"{at}: {failure.probe} is waived until {waiver.until} ({failure.signature})")


@command.command("list")
@project_options
@json_option
def show(start: Path, inventories: Sequence[Path], as_json: bool) -> None:
    """List the waivers and how each stands: used, unused, expired or void."""
    with site(start, inventories) as one:
        waivers = read_report(one).waivers
    if as_json:
        print_json([{"state": one.state.value, **_data(one.waiver)} for one in waivers])
        return
    rows = [
        (
            one.waiver.cell,
            one.state.value,
            one.waiver.until,
            one.waiver.owner,
            one.waiver.probe,
            one.waiver.reason,
        )
        for one in waivers
    ]
    print_table(rows, ("cell", "state", "until", "owner", "probe", "reason"))


@command.command("expire")
@click.argument("cells", nargs=-1)
@project_options
def expire(start: Path, inventories: Sequence[Path], cells: Sequence[str]) -> None:
    """Remove the waivers whose last day is over, or those of CELLS at once.

    CELLS are patterns such as "queue@*".
    """
    with site(start, inventories) as one:
        project = one.project
    waivers = project.policy.waivers
    for pattern in cells:
        ids = [str(waiver.cell) for waiver in waivers]
        if not any(matches_any(name, (pattern,)) for name in ids):
            raise UsageError(f'no waiver is for "{pattern}"{known(pattern, ids)}')
    gone = [
        waiver
        for waiver in waivers
        if (matches_any(str(waiver.cell), cells) if cells else waiver.until < today())
    ]
    if gone:
        _check_place(one)
        remove_waivers(project.policy_file, gone)
    for waiver in gone:
        talk(f"{waiver.cell}: {waiver.probe} is not waived any more")
    talk(f"{counted(len(gone), 'waiver')} removed, {len(waivers) - len(gone)} left")


def today() -> date:
    """The day in UTC, as the gate counts."""
    return datetime.now(UTC).date()


def _check_place(one: Site) -> None:
    """We write one file only; waivers may stand in the other."""
    policy, path = one.project.policy, one.project.policy_file
    written = path.is_file() and "waivers" in path.read_text(encoding="utf-8")
    if policy.waivers and not written:
        raise UsageError(f"the waivers stand in matrix.toml: move them to {path.name}")


def _cell(one: Site, name: str) -> CellId:
    service, _, environment = name.partition("@")
    found = CellId(service=service, environment=environment)
    services = [each.name for each in one.project.services]
    environments = [each.name for each in one.project.environments]
    if service not in services or environment not in environments:
        ids = [f"{row}@{column}" for row in services for column in environments]
        raise UsageError(f'no cell is called "{name}"{known(name, ids)}')
    return found


def _present(report: Report, at: CellId, probe: str) -> tuple[Failure, ...]:
    """What the probe says now; UsageError with what there is when it is not known to fail."""
    cell = report.grid.cells[at]
    failures = failures_of(cell, sign=signature_of)
    # Ids may have brackets, which are something else in a pattern.
    found = tuple(one for one in failures if probe == one.probe or fnmatchcase(one.probe, probe))
    if not found:
        names = [one.probe for one in failures]
        if not names:
            raise UsageError(f"{at} is {cell.verdict.value}: there is no failure to waive")
        raise UsageError(f'nothing that fails in {at} is called "{probe}"{known(probe, names)}')
    if len({one.probe for one in found}) > 1:
        several = ", ".join(one.probe for one in found)
        raise UsageError(f'"{probe}" stands for several that fail, waive one by one: {several}')
    return found


def _data(waiver: Waiver) -> dict[str, str]:
    return {
        "cell": str(waiver.cell),
        "probe": waiver.probe,
        "signature": waiver.signature,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "until": waiver.until.isoformat(),
    }
