"""``matrix plan``: what a run would measure."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.app import Wish, plan_run
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
from matrix.core.gate import Exit
from matrix.core.plan import Plan


@click.command("plan")
@selection_options
@project_options
@json_option
def command(start: Path, inventories: Sequence[Path], as_json: bool, **wish: object) -> int:
    """Show which cells a run would measure, and run nothing.

    Options that choose cells take patterns as a shell has them, and may be repeated; given
    together they must all match.
    Exits with 4 when nothing is selected.
    """
    with site(start, inventories) as one:
        plan = plan_run(one, Wish(**wish))  # type: ignore[arg-type] # as declared by the options
    if as_json:
        print_json(_data(plan))
    else:
        _print(plan)
    return Exit.OPEN if plan.cells else Exit.INCOMPLETE


def _data(plan: Plan) -> object:
    return {
        "digest": plan.digest,
        "cells": [
            {
                "cell": str(planned.cell),
                "service": planned.cell.service,
                "environment": planned.cell.environment,
                "hosts": [host.name for host in planned.environment.hosts],
                "probes": [probe.id for probe in planned.probes],
            }
            for planned in plan.cells
        ],
        "left_out": [{"cell": str(out.cell), "reason": out.reason} for out in plan.left_out],
    }


def _print(plan: Plan) -> None:
    rows: list[tuple[object, ...]] = [
        (planned.cell, planned.service.title, planned.environment.title, len(planned.probes), "run")
        for planned in plan.cells
    ]
    rows += [(out.cell, "", "", "", f"left out: {out.reason}") for out in plan.left_out]
    print_table(rows, ("cell", "service", "environment", "probes", ""))
    if not plan.cells:
        talk("nothing to measure: choose other cells, or see why they are left out")
        return
    cells = counted(len(plan.cells), "cell")
    talk(f"{cells}, plan {plan.digest[:12]}; measure them with: matrix run")
