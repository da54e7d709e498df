"""What a kit runs on the customer's machine: the front door of the file itself."""

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from matrix.bundle.kit import REQUIREMENTS, Kit
from matrix.cli.interruption import Interruption
from matrix.cli.output import print_report, talk
from matrix.cli.own_key import SigningDesk, key_to_sign_with
from matrix.cli.progress import shown_with_probes
from matrix.cli.redacting import redact_output, redaction_options, restored_output
from matrix.cli.showing import find_result, show_result
from matrix.core.errors import MatrixError, UsageError
from matrix.core.gate import Exit, code_of_error, exit_code
from matrix.core.redaction import Redactor
from matrix.core.result import Leftover
from matrix.core.text import clean
from matrix.execution.toolbox import Halt
from matrix.preflight import (
    choose_engine,
    opened_kit,
    run_kit,
    summary,
    sweep_kit,
    unmet_requirements,
)
from matrix.redacting import RedactionWish, open_redactor, passing_redactor
from matrix.report.writing import write_report
from matrix.site import Site


@click.group("kit")
@click.pass_context
def kit(context: click.Context) -> None:
    """Check on this machine whether services work here. Nothing is installed, nothing is sent."""
    del context


def _say_requirements(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    with closing(Kit(context.obj[0])) as file:
        click.echo(clean(file.read(REQUIREMENTS).decode("utf-8")), nl=False)
    context.exit(Exit.OPEN)


@kit.command("preflight")
@click.option(
    "--requirements",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_requirements,
    help="Say what this machine needs, why, and what checks it. Nothing is done.",
)
@click.option("--facts-only", is_flag=True, help="Check the requirements and start no service.")
@click.option("--yes", is_flag=True, help="Do not ask before starting.")
@click.option(
    "--engine-socket",
    envvar="MATRIX_ENGINE_SOCKET",
    type=click.Path(path_type=Path, exists=True),
    help="Socket of Docker or Podman (default: the first that is found).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Folder for the results (default: this one).",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Private key to sign the result with (default: this account's SSH key).",
)
@click.option(
    "--show",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Print everything that is in a result (default: the one in this folder), and run nothing.",
)
@redaction_options
@click.pass_obj
def preflight(
    place: tuple[Path, Path],
    *,
    facts_only: bool,
    yes: bool,
    engine_socket: Path | None,
    out: Path,
    key: Path | None,
    show: str | None,
    words: Sequence[str],
    word_files: Sequence[Path],
    key_file: Path | None,
) -> int:
    """Say what will be done, do it, clean up, and leave a report and a result to send back.

    The report is report.html, for you. The result is one signed file for whoever sent this kit;
    nothing is sent by itself.
    """
    if show is not None:
        return show_result(Path(show) if show else find_result(out))
    path, folder = place
    if not facts_only and not os.access(out, os.W_OK):
        raise UsageError(f"the results cannot be written into {out.absolute()}: give --out FOLDER")
    wish = RedactionWish(words=tuple(words), files=tuple(word_files), key_file=key_file)
    # What is kept needs the key that is kept; checking requirements writes nothing at all.
    redactor = passing_redactor(wish) if facts_only else open_redactor(wish)
    redact_output(redactor)
    engine = choose_engine(engine_socket)
    with opened_kit(path, folder, engine, datetime.now(UTC)) as (site, manifest):
        for line in summary(site, manifest, engine):
            talk(line)
        if facts_only:
            return _print_requirements(site)
        if not yes and sys.stdin.isatty() and not click.confirm("Go on?", err=True):
            return Exit.USAGE
        desk = SigningDesk(kit=path, customer=manifest.customer, key=key_to_sign_with(key), out=out)
        desk.announce()
        return _measure(site, manifest.services, desk, redactor)


@kit.command("sweep", hidden=True)
@click.option("--engine-socket", envvar="MATRIX_ENGINE_SOCKET", type=click.Path(path_type=Path))
@click.pass_obj
def sweep(place: tuple[Path, Path], *, engine_socket: Path | None) -> int:
    """Remove what a run left that did not end by itself; its shell part calls this."""
    path, folder = place
    engine = choose_engine(engine_socket)
    with opened_kit(path, folder, engine, datetime.now(UTC)) as (site, _):
        return _print_left(sweep_kit(site).remaining)


def main(path: str, folder: str, arguments: Sequence[str]) -> int:
    """Run the kit at *path* with *folder* to unpack into; returns the exit code."""
    with restored_output():
        # Until it is known what the customer wants out besides.
        redact_output(passing_redactor(RedactionWish()))
        return _run(path, folder, arguments)


def _run(path: str, folder: str, arguments: Sequence[str]) -> int:
    try:
        place = (Path(path), Path(folder))
        code = kit.main(
            args=list(arguments), prog_name=Path(path).name, obj=place, standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except click.Abort:
        return Exit.INTERRUPTED
    except MatrixError as error:
        click.echo(f"matrix: {clean(str(error))}", err=True)
        return int(code_of_error(error))
    except Exception as error:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        click.echo("matrix: this is a defect of matrix, not of your machine", err=True)
        return Exit.INTERNAL
    return int(code or 0)


def _print_requirements(site: Site) -> int:
    code = Exit.OPEN
    for service, *lines in unmet_requirements(site):
        click.echo(f"{service}: {'; '.join(lines) if lines else 'this machine has what it asks'}")
        code = Exit.INCOMPLETE if lines else code
    return code


def _print_left(leftovers: Sequence[Leftover]) -> int:
    for left in leftovers:
        talk(f"left here: {left.kind} {left.name or left.id}: {left.remedy}")
    return Exit.LEFTOVERS if leftovers else Exit.OPEN


def _measure(site: Site, services: Sequence[str], desk: SigningDesk, redactor: Redactor) -> int:
    halt = Halt()
    interruption = Interruption(site.store, halt)
    with interruption.heeded():
        show = partial(shown_with_probes, site.project)
        _, outcome, swept = run_kit(site, services, show=show, halt=halt, redactor=redactor)
    print_report("text", outcome.report)
    for path in write_report(outcome.report, "html", desk.out / "report.html"):
        talk(f"report: {path}")
    if interruption.number is None:
        desk.leave_result(outcome.report)
    _print_left((*outcome.leftovers, *swept.remaining))
    return exit_code(
        outcome.report.decision,
        leftovers=bool(outcome.leftovers or swept.remaining),
        interrupted=interruption.number,
    )
