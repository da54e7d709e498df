"""``matrix report``: the grid in a format of your choice."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from matrix.answer import read_report
from matrix.bundle import dsse, sshsig
from matrix.bundle.keys import SigningKey, sign_file
from matrix.cli.output import (
    file_or_stdout,
    json_option,
    print_report,
    project_options,
    site,
    talk,
)
from matrix.cli.signing import private_key
from matrix.core.errors import UsageError
from matrix.core.grid import Report
from matrix.report import RENDERERS, render
from matrix.report.writing import append_report, write_document, write_report

#: The format that carries its signature in itself: an envelope around the statement.
ENVELOPED = "in-toto"


@click.command("report")
@click.argument("run", default="")
@click.option(
    "--format",
    "-f",
    "name",
    type=click.Choice(list(RENDERERS)),
    default="text",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=file_or_stdout,
    help="Write to this file instead of stdout.",
)
@click.option(
    "--compare",
    "compare_with",
    default="",
    metavar="RUN|RELEASE|FILE",
    help="Mark what has changed since a run, a release or another report file.",
)
@click.option(
    "--append", is_flag=True, help="Add to the file of --output, as for $GITHUB_STEP_SUMMARY."
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Private key to sign with: FILE.sig beside each file, in-toto as a signed envelope.",
)
@project_options
@json_option
def command(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    run: str,
    name: str,
    output: Path | None,
    append: bool,
    compare_with: str,
    key: Path | None,
) -> None:
    """Write the newest grid, under the heading of RUN (default: the newest run).

    With --output, ctrf is written as one file for each environment, named after it.
    --json is short for --format json. `matrix verify FILE` checks what --key has signed.
    """
    name = "json" if as_json else name
    if append and (output is None or key is not None):
        raise UsageError("--append adds to a file: give it with --output, and without --key")
    if key is not None and output is None and name != ENVELOPED:
        raise UsageError(f"a signature lies beside a file: give --output, or --format {ENVELOPED}")
    signing = private_key(key) if key else None
    with site(start, inventories) as one:
        report = read_report(one, run=run, compare_with=compare_with)
    if signing is not None:
        _sign(report, name, output, signing)
        return
    if output is None:
        print_report(name, report)
        return
    write = append_report if append else write_report
    for path in write(report, name, output):
        talk(f"report: {path}")


def _sign(report: Report, name: str, output: Path | None, key: SigningKey) -> None:
    mark = sshsig.fingerprint(key.public)
    if name == ENVELOPED:
        envelope = _sealed(render(name, report), key)
        if output is None:
            click.echo(envelope)
            return
        write_document(f"{envelope}\n", output)
        talk(f"report: {output}, signed with {mark}")
        return
    assert output is not None  # noqa: S101 - asked for before anything was read
    for path in write_report(replace(report, signed_by=mark), name, output):
        talk(f"report: {path}")
        talk(f"signed: {sign_file(path, key)}, with {mark}")


def _sealed(statement: str, key: SigningKey) -> str:
    return dsse.seal(
        statement.encode("utf-8"),
        dsse.STATEMENT_TYPE,
        signer=lambda message: key.sign(message, namespace=dsse.NAMESPACE),
    ).decode("ascii")
