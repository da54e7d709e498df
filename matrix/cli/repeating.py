"""``matrix probe run``: single probes of one cell once more."""

import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from matrix.cli.interruption import Interruption
from matrix.cli.output import (
    json_option,
    print_json,
    print_text,
    project_options,
    say_build,
    site,
    talk,
)
from matrix.core.errors import MatrixError
from matrix.core.fold import is_control
from matrix.core.gate import CODES_OF_VERDICTS, Exit, code_of_signal, first_of
from matrix.core.ports import Event
from matrix.core.result import CommandResult, ProbeResult
from matrix.core.text import clean, decode, seconds_text
from matrix.core.verdict import Verdict
from matrix.execution.toolbox import Halt
from matrix.repetition import Repeated, RepetitionWish, repeat_probes


@click.command("run")
@click.argument("cell")
@click.argument("probes", metavar="PROBE...", nargs=-1, required=True)
@project_options
@json_option
def command(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    cell: str,
    probes: tuple[str, ...],
) -> int:
    """Run single probes of CELL once more and show every command they ran.

    CELL is written queue@qa; PROBE is the id of a probe, as `matrix probe list` and the page show
    it, or a pattern for one. Nothing of it is kept: it says nothing about the cell as a whole.

    Exits with 0 when they passed, 1 when one FAILED, 3 for an ERROR and 4 when one was left out.
    """
    wish = RepetitionWish(cell=cell, probes=probes, observe=say_build)
    with site(start, inventories) as one:
        halt = Halt()
        interruption = Interruption(one.store, halt)
        try:
            with interruption.heeded():
                found = repeat_probes(one, wish, watch=_watch, halt=halt)
        except KeyboardInterrupt:
            return code_of_signal(interruption.number or signal.SIGINT)
    if as_json:
        print_json(found)
    else:
        print_text("\n".join(line for one_host in found for line in _lines(one_host)))
    return _exit_code(found, interrupted=interruption.number)


def _watch(event: Event) -> None:
    if event.kind in ("retry", "note", "start"):
        talk(f"{event.environment}: {event.text}")


def _lines(found: Repeated) -> Iterator[str]:
    if found.fault is not None:
        yield clean(f"! {found.host}: {found.fault.reason}: {found.fault.message}")
    if found.attempt is None:
        return
    attempt = found.attempt
    said = f": {attempt.message}" if attempt.message else ""
    yield clean(f"{attempt.verdict.glyph} {attempt.verdict.value} on {attempt.host}{said}")
    for probe in attempt.probes:
        if not is_control(probe.id) or probe.verdict is not Verdict.PASSED:
            yield from _of_probe(probe)
    for left in found.leftovers:
        yield clean(f"left on {left.host}: {left.kind} {left.name or left.id}: {left.remedy}")


def _of_probe(probe: ProbeResult) -> Iterator[str]:
    yield ""
    took = seconds_text(probe.seconds)
    yield clean(f"{probe.verdict.glyph} {probe.verdict.value} {probe.id} ({took}): {probe.title}")
    for text in (probe.message, probe.detail, probe.output):
        yield from _indented(text)
    for record in probe.commands:
        where = f"{record.side.value}{f' {record.target}' if record.target else ''}"
        yield from _of_command(record.result, where)


def _of_command(result: CommandResult, where: str) -> Iterator[str]:
    yield clean(f"  {where} $ {result.command}")
    for data in (result.stdout, result.stderr):
        yield from _indented(decode(data))
    yield f"    exit {result.exit_status}, {seconds_text(result.seconds)}"


def _indented(text: str) -> Iterator[str]:
    for line in clean(text).splitlines():
        yield f"    {line}"


def _exit_code(found: Sequence[Repeated], *, interrupted: int | None) -> int:
    codes = [Exit.LEFTOVERS for one in found if one.leftovers]
    if interrupted is not None:
        codes.append(code_of_signal(interrupted))
    for one in found:
        verdict = one.attempt.verdict if one.attempt else MatrixError.verdict
        codes.append(CODES_OF_VERDICTS.get(verdict, Exit.ERROR))
    return first_of(codes)
