"""Letting a customer read all of a result before it is sent."""

import sys
from pathlib import Path

import click

from matrix.bundle.reading import lines_of_result
from matrix.bundle.result import ENVELOPE_CAPS
from matrix.cli.redacting import plain_output
from matrix.core.errors import UsageError
from matrix.core.gate import Exit

#: What a kit leaves to be sent back.
RESULTS = "*-result.matrix"


def find_result(folder: Path) -> Path:
    """The one result in *folder*; raises UsageError for none or several."""
    found = sorted(folder.glob(RESULTS))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise UsageError(f"say which result: --show FILE (in this folder: {names})")
    return found[0]


def show_result(file: Path) -> int:
    """Print everything that is in it, page by page on a terminal.

    Raises UsageError for a file that cannot be read, Refused for one that is no result.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(ENVELOPE_CAPS.size_bytes + 1)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    text = "\n".join((f"{file}", *lines_of_result(data), ""))
    # As it is: to take anything out here would hide it from who decides whether it is sent.
    with plain_output():
        if sys.stdin.isatty() and sys.stdout.isatty():
            click.echo_via_pager(text)
        else:
            click.echo(text, nl=False)
    return Exit.OPEN
