"""``matrix run``: fill in the grid and decide."""

import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from matrix.app import Outcome, Wish, plan_run, resume_run, run_plan
from matrix.cli.interruption import Interruption
from matrix.cli.output import json_option, print_report, project_options, say_build, site, talk
from matrix.cli.progress import shown
from matrix.cli.selection import selection_options
from matrix.core.expected import Expected, compare, within
from matrix.core.gate import Exit, code_of_signal, exit_code, first_of
from matrix.execution.toolbox import Halt
from matrix.loading import load_expected
from matrix.report import FILES, RENDERERS
from matrix.report.writing import write_report
from matrix.site import Site


@click.command("run")
@selection_options
@click.option(
    "--release", metavar="NAME", default="", help="Mark the run as that of a release, by name."
)
@click.option(
    "--resume",
    "resume",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[RUN]",
    help="Go on with an interrupted run (default: the newest).",
)
@click.option(
    "--retries",
    default=1,
    show_default=True,
    type=click.IntRange(0, 5),
    help="How often a cell that ended in ERROR is tried again on fresh containers.",
)
@click.option(
    "--parallel",
    "-p",
    default=max(4, 2 * (os.cpu_count() or 1)),
    show_default="twice the CPUs here, at least 4",
    type=click.IntRange(1, 256),
    help="Cells at once over all environments.",
)
@click.option(
    "--incremental/--fresh",
    "incremental",
    default=None,
    help="Take over what passed and nothing changed for, or measure everything"
    " (default: as `reuse` of the policy says).",
)
@click.option("--fail-fast", is_flag=True, help="End the run at the first FAILED cell.")
@click.option(
    "--report",
    "-r",
    "formats",
    multiple=True,
    type=click.Choice(list(RENDERERS)),
    help="Reports to write into the reports folder (default: html).",
)
@click.option(
    "--expected",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Exit 0 when the grid equals this file instead of asking the gate.",
)
@project_options
@json_option
def command(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    resume: str | None,
    formats: Sequence[str],
    expected: Path | None,
    **options: object,
) -> int:
    """Measure cells, write reports and decide: exits as `matrix gate` would.

    Options that choose cells take patterns as a shell has them, and may be repeated; given
    together they must all match. With nothing selected it exits with 4; --last-failed with
    nothing left to measure exits as the gate does.

    Ctrl-C ends the running cells, cleans up and writes the report; a second Ctrl-C ends at once
    and leaves cleaning to the hosts' tethers.
    """
    # Before anything is run: a fault in it is a fault of the command line.
    wanted = None if expected is None else load_expected(expected)
    wish = Wish(observe=say_build, **options)  # type: ignore[arg-type] # as declared by the options
    with site(start, inventories) as one:
        halt = Halt()
        interruption = Interruption(one.store, halt)
        try:
            with interruption.heeded():
                outcome = _carry_out(one, wish, resume, halt)
        except KeyboardInterrupt:
            return code_of_signal(interruption.number or signal.SIGINT)
        paths = _write(one, outcome, formats or ("html",))
        _say(outcome, paths, as_json=as_json)
        code = _code(outcome, wish, interruption.number)
        if wanted is None or not outcome.cells or interruption.number is not None:
            return code
        compared = _compare(wanted, outcome, inventories)
        return code if code >= Exit.LEFTOVERS else compared


def _code(outcome: Outcome, wish: Wish, interrupted: int | None) -> int:
    """As the gate decides; but with nothing selected what was asked for was not measured, whatever
    the grid says."""
    left = bool(outcome.leftovers)
    code = exit_code(outcome.report.decision, leftovers=left, interrupted=interrupted)
    if outcome.cells or wish.last_failed:
        return code
    return first_of([Exit(code), Exit.INCOMPLETE])


def _carry_out(one: Site, wish: Wish, resume: str | None, halt: Halt) -> Outcome:
    if resume is not None:
        return resume_run(one, wish, resume, show=partial(shown, one.project), halt=halt)
    plan = plan_run(one, wish)
    if not plan.cells:
        talk("nothing to measure: the selection is empty, or everything in it is left out")
    return run_plan(one, plan, wish, show=partial(shown, one.project), halt=halt)


def _write(one: Site, outcome: Outcome, formats: Sequence[str]) -> list[Path]:
    return [
        path
        for name in formats
        for path in write_report(outcome.report, name, one.project.reports / FILES[name])
    ]


def _say(outcome: Outcome, paths: Sequence[Path], *, as_json: bool) -> None:
    print_report("json" if as_json else "text", outcome.report)
    for leftover in outcome.leftovers:
        what = f"{leftover.kind} {leftover.name or leftover.id}"
        talk(f"left on {leftover.host}: {what}: {leftover.remedy}")
    for text in outcome.differences:
        talk(text)
    for path in paths:
        talk(f"report: {path}")


def _compare(expected: Expected, outcome: Outcome, inventories: Sequence[Path]) -> int:
    grid = outcome.report.grid
    # With inventories chosen for one command, what the file names may well be absent.
    wanted = within(expected, grid) if inventories else expected
    differences = compare(wanted, grid, among=outcome.cells)
    for difference in differences:
        talk(f"not as expected: {difference}")
    if differences:
        return Exit.FAILED
    talk("the grid is as expected")
    return Exit.OPEN
