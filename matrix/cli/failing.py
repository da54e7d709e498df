"""What a command that fails says, and the code it ends with. Loaded when something fails."""

import sys
import traceback
from collections.abc import Sequence

import click

from matrix.core.errors import MatrixError
from matrix.core.gate import Exit, code_of_error
from matrix.core.selection import known
from matrix.core.text import clean


def told(error: Exception) -> int:
    """Tell people of *error* on stderr; returns the exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return Exit.USAGE
    if isinstance(error, click.Abort):
        click.echo("matrix: interrupted", err=True)
        return Exit.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone; there is nobody left to tell.
        sys.stderr.close()
        return Exit.INTERNAL
    _tell(error)
    return code_of_error(error)


def no_verb(name: str, verbs: Sequence[str]) -> str:
    """That there is no command *name*, with those there are."""
    return f'no command is called "{clean(name)}"{known(name, verbs, most=len(verbs))}'


def _tell(error: Exception) -> None:
    if isinstance(error, MatrixError):
        for line in str(error).splitlines():
            click.echo(f"matrix: {clean(line)}", err=True)
        return
    click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    click.echo("matrix: this is a defect of matrix, not of your project", err=True)
