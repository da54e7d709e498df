"""``matrix verify`` and ``matrix bundle verify``: is a file what its signer signed?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from matrix.bundle.checking import ANYBODY, Finding, check_kit
from matrix.bundle.keyring import Keyring, load_keyring, read_public_key
from matrix.bundle.manifest import Manifest
from matrix.bundle.signers import Signer
from matrix.cli.output import json_option, print_json, talk
from matrix.core.errors import UsageError
from matrix.core.gate import Exit
from matrix.core.store_ports import Store
from matrix.core.text import one_line
from matrix.importing import Checked, Desk
from matrix.loading import find_project
from matrix.site import open_project, opened_store
from matrix.store import open_store
from matrix.verifying import LOOKS, Verified, verify_report, verify_result

#: Whether a finding holds → the word for it.
WORDS = {True: "ok", False: "REFUSED", None: "unsigned"}
LINE_COLUMNS = 400

signer_option = click.option(
    "--signer",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE.pub",
    help="Public key that must have signed it, in place of the project's keys.",
)
project_option = click.option(
    "--project",
    "-C",
    "start",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Folder of the project whose keys count (default: this one or the nearest above).",
)


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@signer_option
@click.option(
    "--kit",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The kit that a result is from, where this project's store does not know it.",
)
@project_option
@json_option
def bundle_verify(
    file: Path, signer: Path | None, kit: Path | None, start: Path, as_json: bool
) -> int:
    """Say whether FILE, a kit or a result, is what its signer signed, whole and still good.

    A result is asked all that `matrix bundle import` would ask. Changes nothing. Exits with 0 only
    when all of it holds, else with 6.
    """
    ring = keyring_of(signer, start)
    data: Mapping[str, object]
    if _is_result(file):
        with _store(signer, start) as store:
            desk = Desk(store=store, ring=ring, kit=kit, now=datetime.now(UTC))
            findings, checked = verify_result(file, desk)
        data, lines = {"result": checked and _result_data(checked)}, _of_result(checked)
    else:
        findings, manifest = check_kit(file, ring, datetime.now(UTC))
        data, lines = {"kit": manifest and manifest.model_dump(mode="json")}, _of_kit(manifest)
    if as_json:
        print_json({**_data(file, findings), **data})
    else:
        _print(findings, lines)
    return _told(file, findings)


@click.command("verify")
@click.argument("report", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@signer_option
@project_option
@json_option
def command(report: Path, signer: Path | None, start: Path, as_json: bool) -> int:
    """Say whether REPORT is what its signer signed, who that is, and when it was measured.

    The signature is REPORT.sig beside it, or in an in-toto envelope itself. A page, JSON and
    in-toto are also held against themselves: do their verdicts, counts and data say the same?

    Exits with 0 when it is signed and consistent, 4 when it is consistent and unsigned, and 6 when
    anything is refused: another signer, a change since, or a contradiction. Changes nothing.
    """
    found = verify_report(report, keyring_of(signer, start), datetime.now(UTC))
    if as_json:
        print_json({**_data(report, found.findings), "kind": found.kind, **_report_data(found)})
    else:
        _print(found.findings, _of_report(found))
    return _told(report, found.findings)


def keyring_of(signer: Path | None, start: Path) -> Keyring:
    """The one key in *signer*, else those of the project that *start* lies in."""
    if signer is None:
        try:
            return load_keyring(find_project(start).parent)
        except UsageError as error:
            raise UsageError(f"{error}; or name the one key that counts with --signer") from error
    key = read_public_key(signer)
    # It counts whoever it is for: whose key it is, its giver knows.
    return Keyring(signers=(Signer(principal=f"{signer.name}{ANYBODY}", key=key),), revoked=())


def _of_report(found: Verified) -> Iterator[str]:
    said = found.said
    if said is None:
        yield "" if found.kind in LOOKS else "what it says was not looked into"
        return
    if said.measured:
        first, last = map(_moment, said.measured)
        yield f"measured {first}" + (f" to {last}" if last != first else "")
    release = f", release {said.release}" if said.release else ""
    yield f"{said.project}, run {said.run or 'none'}{release}: gate {said.door or 'unknown'}"
    yield ", ".join(
        f"{count} {verdict.value.lower()}" for verdict, count in said.counts.items() if count
    )


def _report_data(found: Verified) -> Mapping[str, object]:
    said, signed = found.said, found.signed
    first, last = (said.measured if said else None) or (None, None)
    return {
        "signer": signed.name if signed else None,
        "key": signed.fingerprint if signed else None,
        "measured_from": first,
        "measured_until": last,
        "project": said.project if said else None,
        "run": said.run if said else None,
        "release": said.release if said else None,
        "gate": said.door if said else None,
        "counts": {verdict.value: count for verdict, count in said.counts.items()}
        if said
        else None,
    }


def _is_result(file: Path) -> bool:
    """An envelope is JSON; a kit begins with a shell script."""
    with file.open("rb") as opened:
        return opened.read(1) == b"{"


@contextmanager
def _store(signer: Path | None, start: Path) -> Iterator[Store]:
    """The project's, which knows its kits; an empty one where one key counts and no project."""
    if signer is None:
        with opened_store(open_project(start)) as store:
            yield store
        return
    with closing(open_store("memory://")) as store:
        yield store


def _of_result(found: Checked | None) -> Iterator[str]:
    if found is None or found.run is None:
        return
    run = found.run
    yield f"self-reported by {found.reporter.name}"
    finished = f" to {_moment(run.finished_at)}" if run.finished_at else ""
    yield f"measured {_moment(run.started_at)}{finished} by compat-matrix {run.version}"
    for result in run.results:
        yield f"{result.verdict.glyph} {result.cell} {result.verdict.value} {result.message}"
    removed = ", ".join(f"{count} × {kind}" for kind, count in sorted(found.removed.items()))
    yield f"taken out before it was sent: {removed or 'nothing'}"
    yield f"nonce: {found.kit.nonce}"


def _result_data(found: Checked) -> Mapping[str, object]:
    run = found.run
    return {
        "customer": found.reporter.name,
        "key": found.reporter.key,
        "nonce": found.kit.nonce,
        "kit_built_at": found.kit.built_at,
        "kit_expires_at": found.kit.expires_at,
        "imported_before_as": found.known.run if found.known else None,
        "measured_from": run.started_at if run else None,
        "measured_until": run.finished_at if run else None,
        "cells": {str(one.cell): one.verdict for one in run.results} if run else {},
        "removed": found.removed,
    }


def _of_kit(manifest: Manifest | None) -> Iterator[str]:
    if manifest is None:
        return
    yield f"for {manifest.title} ({manifest.customer}), processor {manifest.architecture}"
    yield f"built {_moment(manifest.built_at)} by compat-matrix {manifest.version}"
    yield f"services: {', '.join(manifest.services)}"
    for name, image in manifest.images.items():
        yield f"image: {name} {image}"
    yield f"nonce: {manifest.nonce}"


def _data(file: Path, findings: Sequence[Finding]) -> Mapping[str, object]:
    return {"file": file, "verified": _code(findings) == Exit.OPEN, "findings": findings}


def _print(findings: Sequence[Finding], rest: Iterable[str]) -> None:
    for one in findings:
        click.echo(f"{WORDS[one.holds]:<9} {one.check:<10} {one_line(one.says, LINE_COLUMNS)}")
    for line in filter(None, rest):
        click.echo(f"{'':20} {one_line(line, LINE_COLUMNS)}")


def _code(findings: Sequence[Finding]) -> Exit:
    """6 when anything is refused, 4 when nothing is but nobody has signed, else 0."""
    if any(one.holds is False for one in findings):
        return Exit.REFUSED
    return Exit.INCOMPLETE if any(one.holds is None for one in findings) else Exit.OPEN


def _told(file: Path, findings: Sequence[Finding]) -> int:
    code = _code(findings)
    words = {Exit.OPEN: "is verified", Exit.REFUSED: "is refused", Exit.INCOMPLETE: "is unsigned"}
    talk(f"{file} {words[code]}")
    return code


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
