"""``matrix probe vitality``: whether the probes can fail at all."""

import signal
from collections.abc import Sequence
from pathlib import Path

import click

from matrix.cli.interruption import Interruption
from matrix.cli.output import (
    json_option,
    print_json,
    print_table,
    project_options,
    say_build,
    site,
    talk,
)
from matrix.core.gate import Exit, code_of_signal
from matrix.core.ports import Event
from matrix.core.vitality import Proof, Vitality
from matrix.execution.toolbox import Halt
from matrix.vitality import VitalityOutcome, VitalityWish, measure_vitality

#: Events that are worth a line.
SHOWN = ("trial", "retry", "note")


@click.command("vitality")
@click.option("--service", "-s", "services", metavar="PATTERN", multiple=True, help="Services.")
@click.option(
    "--env",
    "-e",
    "environment",
    metavar="NAME",
    default="",
    help="Where to try (default: the first environment on this machine).",
)
@click.option(
    "--parallel",
    "-p",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Saboteurs at once, up to the environment's own limit of cells.",
)
@project_options
@json_option
def command(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    services: tuple[str, ...],
    environment: str,
    parallel: int,
) -> int:
    """Put services wrong on purpose and see whether their probes notice.

    What is wrong stands in `sabotage.toml` in each folder of probes. A probe is proven when it
    FAILED under one saboteur and PASSED without any; ERROR does not count. What is found is kept
    in the store, and reports show it for as long as image and probes stay the same.

    Exits with 0 when every probe is proven and 4 when one is not.
    """
    wish = VitalityWish(
        services=services, environment=environment, parallel=parallel, observe=say_build
    )
    with site(start, inventories) as one:
        halt = Halt()
        interruption = Interruption(one.store, halt)
        try:
            with interruption.heeded():
                outcome = measure_vitality(one, wish, watch=_watch, halt=halt)
        except KeyboardInterrupt:
            return code_of_signal(interruption.number or signal.SIGINT)
    _print(outcome, as_json=as_json)
    return _exit_code(outcome, interrupted=interruption.number)


def _watch(event: Event) -> None:
    if event.kind in SHOWN:
        where = f"{event.service}@{event.environment}" if event.service else event.environment
        talk(f"{where}: {event.text}")


def _print(outcome: VitalityOutcome, *, as_json: bool) -> None:
    if as_json:
        print_json([_data(found) for found in outcome.found])
    else:
        rows = [
            (found.service, _state(proof), proof.probe, _reason(proof))
            for found in outcome.found
            for proof in found.proofs
        ]
        print_table(rows, ("service", "", "probe", "red under, or why it is not proven"))
    for found in outcome.found:
        talk(f"{found.service}: {found.strength} probes are proven")
    for left in outcome.leftovers:
        talk(f"left on {left.host}: {left.kind} {left.name or left.id}: {left.remedy}")


def _data(found: Vitality) -> object:
    strength = found.strength
    return {
        "service": found.service,
        "environment": found.environment,
        "image_id": found.image_id,
        "probes_digest": found.probes_digest,
        "measured_at": found.measured_at,
        "proven": strength.proven,
        "all": strength.all,
        "probes": [
            {
                "id": proof.probe,
                "title": proof.title,
                "proven": proof.proven,
                "red_under": proof.red_under,
                "why": proof.why,
            }
            for proof in found.proofs
        ],
    }


def _state(proof: Proof) -> str:
    return "proven" if proof.proven else "NOT PROVEN"


def _reason(proof: Proof) -> str:
    return proof.why or ", ".join(proof.red_under)


def _exit_code(outcome: VitalityOutcome, *, interrupted: int | None) -> int:
    if outcome.leftovers:
        return Exit.LEFTOVERS
    if interrupted is not None:
        return code_of_signal(interrupted)
    proven = all(proof.proven for found in outcome.found for proof in found.proofs)
    return Exit.OPEN if proven else Exit.INCOMPLETE
