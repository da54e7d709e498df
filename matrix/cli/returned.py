"""``matrix bundle import``: what a customer sends back becomes their column."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from matrix.bundle.keyring import ALLOWED, FOLDER, Keyring, load_keyring
from matrix.bundle.signers import read_signers
from matrix.cli.output import counted, json_option, print_json, project_options, talk
from matrix.core.errors import Refused, UsageError
from matrix.core.model import CellId, Project
from matrix.core.verdict import Verdict
from matrix.importing import Desk, Returned, import_result
from matrix.report.summary import ORDER
from matrix.site import open_project, opened_store


@click.command("import")
@click.argument("result", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--allowed-signers",
    "signers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help=f"Whose signatures count (default: {FOLDER}/{ALLOWED} of the project).",
)
@click.option(
    "--kit",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The kit it is from, where this project's store does not know that.",
)
@project_options
@json_option
def bundle_import(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    result: Path,
    signers: Path | None,
    kit: Path | None,
) -> None:
    """Take in RESULT, the file a customer sent back, as their own word about their column.

    It must be signed by a key that counts for that customer, come from a kit that this project
    made and has no result of yet, and have been measured before the kit was over. The grid then
    says of each cell that it is self-reported, by whom and with which key.

    The same file again changes nothing and is fine. Whatever is refused changes nothing and exits
    with 6.
    """
    project = open_project(start, inventories)
    ring = _ring(project, signers)
    with opened_store(project) as store:
        desk = Desk(store=store, ring=ring, kit=kit, now=datetime.now(UTC))
        found = import_result(desk, result)
    if as_json:
        print_json(_data(result, found))
    _tell(project, result, found)


def _ring(project: Project, signers: Path | None) -> Keyring:
    """The keys that count; raises Refused where there is none at all."""
    ring = load_keyring(project.root)
    if signers is not None:
        try:
            text = signers.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{signers}: cannot be read as text") from error
        ring = Keyring(signers=read_signers(text, file=str(signers)), revoked=ring.revoked)
    if not ring.signers:
        raise Refused(
            "nobody's signature counts here yet: ask the customer for their public key and its "
            "fingerprint, then write it down with `matrix key allow`"
        )
    return ring


def _tell(project: Project, result: Path, found: Returned) -> None:
    name, key = found.reporter.name, found.reporter.key
    if found.known:
        talk(f"{result.name} was imported before, as run {found.run}: nothing has changed")
        return
    talk(f"run {found.run}: {_tally(found.verdicts)}, self-reported by {name}, signed with {key}")
    if found.removed:
        said = ", ".join(f"{count} × {kind}" for kind, count in sorted(found.removed.items()))
        talk(f"taken out before it was sent: {said}")
    if name not in {one.name for one in project.environments}:
        talk(f"the inventory has no environment {name}, so no grid shows it")


def _tally(verdicts: Mapping[CellId, Verdict]) -> str:
    counts = Counter(verdicts.values())
    said = ", ".join(f"{counts[one]} {one.value}" for one in ORDER if counts[one])
    cells = counted(len(verdicts), "cell")
    return f"{cells}: {said}" if said else cells


def _data(result: Path, found: Returned) -> Mapping[str, object]:
    return {
        "file": str(result),
        "run": found.run,
        "reported_by": found.reporter.name,
        "key": found.reporter.key,
        "known": found.known,
        "cells": {str(cell): verdict for cell, verdict in found.verdicts.items()},
        "removed": dict(found.removed),
    }
