"""``matrix verify`` and ``matrix bundle verify``: is a file what its signer signed?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from matrix.bundle.checking import Finding, check_kit
from matrix.bundle.keyring import Keyring, load_keyring, read_public_key
from matrix.bundle.manifest import Manifest
from matrix.bundle.signers import Signer
from matrix.cli.output import json_option, print_json, talk
from matrix.core.errors import UsageError
from matrix.core.gate import Exit
from matrix.core.text import one_line
from matrix.loading import find_project
from matrix.verifying import LOOKS, Verified, verify_report

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
@project_option
@json_option
def bundle_verify(file: Path, signer: Path | None, start: Path, as_json: bool) -> int:
    """Say whether FILE, a kit, is what its signer signed, whole and still good. Changes nothing.

    Exits with 0 only when all of it holds, else with 6.
    """
    findings, manifest = check_kit(file, keyring_of(signer, start), datetime.now(UTC))
    if as_json:
        print_json({**_data(file, findings), "kit": manifest and manifest.model_dump(mode="json")})
    else:
        _print(findings, _of_kit(manifest) if manifest else ())
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
    return Keyring(signers=(Signer(principal=signer.name, key=key),), revoked=())


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


def _of_kit(manifest: Manifest) -> Iterator[str]:
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
