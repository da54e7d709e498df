"""``matrix verify`` and ``matrix bundle verify``: is a file what its signer signed?"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from matrix.bundle.checking import Finding, check_kit
from matrix.bundle.keyring import Keyring, load_keyring, read_public_key
from matrix.bundle.manifest import Manifest
from matrix.bundle.signers import Signer
from matrix.cli.output import json_option, print_json, talk
from matrix.core.gate import Exit
from matrix.core.text import one_line
from matrix.loading import find_project

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


def keyring_of(signer: Path | None, start: Path) -> Keyring:
    """The one key in *signer*, else those of the project that *start* lies in."""
    if signer is None:
        return load_keyring(find_project(start).parent)
    key = read_public_key(signer)
    return Keyring(signers=(Signer(principal=signer.name, key=key),), revoked=())


def _of_kit(manifest: Manifest) -> Iterator[str]:
    yield f"for {manifest.title} ({manifest.customer}), processor {manifest.architecture}"
    yield f"built {_moment(manifest.built_at)} by compat-matrix {manifest.version}"
    yield f"services: {', '.join(manifest.services)}"
    for name, image in manifest.images.items():
        yield f"image: {name} {image}"
    yield f"nonce: {manifest.nonce}"


def _data(file: Path, findings: Sequence[Finding]) -> Mapping[str, object]:
    return {"file": file, "verified": _code(findings) == Exit.OPEN, "findings": findings}


def _print(findings: Sequence[Finding], rest: Iterator[str] | tuple[()]) -> None:
    for one in findings:
        click.echo(f"{WORDS[one.holds]:<9} {one.check:<10} {one_line(one.says, LINE_COLUMNS)}")
    for line in rest:
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
