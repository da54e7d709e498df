"""``matrix gate``: decide from the newest grid whether to go on."""

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.answer import read_report
from matrix.cli.output import json_option, print_json, print_text, project_options, site
from matrix.core.gate import exit_code
from matrix.core.text import clean
from matrix.report.summary import gate_line


@click.command("gate")
@project_options
@json_option
def command(start: Path, inventories: Sequence[Path], as_json: bool) -> int:
    """Decide from the newest grid, by policy.toml and the [policy] of matrix.toml.

    Waivers and quarantines are listed with the verdict, whatever it is.

    \b
    Exits with 0 open · 1 a required cell FAILED · 3 no FAILED, but an ERROR ·
    4 incomplete: MISSING, STALE, or UNSUPPORTED and not allowed by name ·
    5 something of ours was left on a host.
    """
    with site(start, inventories) as one:
        report = read_report(one)
    decision = report.decision
    code = exit_code(decision, leftovers=bool(report.leftovers), interrupted=None)
    if as_json:
        print_json({"exit_code": int(code), "decision": decision, "run": report.run})
        return code
    lines = (*decision.reasons, *decision.notes)
    print_text("\n".join((gate_line(decision), *(f"  {clean(one)}" for one in lines))))
    return code
