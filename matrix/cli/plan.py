"""``matrix plan``: what a run would measure."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from matrix.app import Wish, foresee_plan, plan_run
from matrix.cli.output import (
    counted,
    json_option,
    print_json,
    print_table,
    project_options,
    site,
    talk,
)
from matrix.cli.selection import selection_options
from matrix.core.foresight import Foreseen
from matrix.core.gate import Exit
from matrix.core.plan import Plan, PlannedCell
from matrix.core.requirements import sentence


@click.command("plan")
@selection_options
@project_options
@json_option
def command(start: Path, inventories: Sequence[Path], as_json: bool, **wish: object) -> int:
    """Show which cells a run would measure, and run nothing.

    What services require is held against what the newest run found out about the hosts: cells that
    are going to be UNSUPPORTED are named, with what was asked and found.

    Options that choose cells take patterns as a shell has them, and may be repeated; given
    together they must all match.
    Exits with 4 when nothing is selected.
    """
    with site(start, inventories) as one:
        plan = plan_run(one, Wish(**wish))  # type: ignore[arg-type] # as declared by the options
        foreseen = foresee_plan(one, plan)
    if as_json:
        print_json(_data(plan, foreseen))
    else:
        _print(plan, foreseen)
    return Exit.OPEN if plan.cells else Exit.INCOMPLETE


def _data(plan: Plan, foreseen: Sequence[Foreseen]) -> object:
    return {
        "digest": plan.digest,
        "cells": [
            {
                "cell": str(planned.cell),
                "service": planned.cell.service,
                "environment": planned.cell.environment,
                "hosts": [host.name for host in planned.environment.hosts],
                "unknown_hosts": [*known.unknown],
                "unmet": [
                    {"host": host, "fact": one.fact, "asked": one.asked, "found": one.found}
                    for host, some in known.unmet.items()
                    for one in some
                ],
                "probes": [probe.id for probe in planned.probes],
            }
            for planned, known in zip(plan.cells, foreseen, strict=True)
        ],
        "left_out": [{"cell": str(out.cell), "reason": out.reason} for out in plan.left_out],
    }


def _print(plan: Plan, foreseen: Sequence[Foreseen]) -> None:
    rows: list[tuple[object, ...]] = [
        (
            planned.cell,
            planned.service.title,
            planned.environment.title,
            len(planned.probes),
            _outlook(planned, known),
        )
        for planned, known in zip(plan.cells, foreseen, strict=True)
    ]
    rows += [(out.cell, "", "", "", f"left out: {out.reason}") for out in plan.left_out]
    print_table(rows, ("cell", "service", "environment", "probes", ""))
    if not plan.cells:
        talk("nothing to measure: choose other cells, or see why they are left out")
        return
    for text in _unknown(foreseen):
        talk(text)
    cells = counted(len(plan.cells), "cell")
    talk(f"{cells}, plan {plan.digest[:12]}; matrix run with the same options measures them")


def _outlook(planned: PlannedCell, known: Foreseen) -> str:
    """ "run", or why some of it is not going to be."""
    several = len(planned.environment.hosts) > 1
    reasons = [
        f"UNSUPPORTED{f' on {host}' if several else ''}: {'; '.join(map(sentence, some))}"
        for host, some in known.unmet.items()
    ]
    return "; ".join(reasons) or "run"


def _unknown(foreseen: Sequence[Foreseen]) -> Iterator[str]:
    """One line about all hosts that no run has asked for facts yet."""
    hosts = dict.fromkeys(host for known in foreseen for host in known.unknown)
    if hosts:
        yield (
            f"nothing is known yet of {', '.join(hosts)}: whether requirements are met there"
            " shows when a run has asked"
        )
