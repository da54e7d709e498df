"""``matrix grid``: the part of the grid that a query means."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from matrix.answer import read_report
from matrix.cli.output import (
    json_option,
    print_json,
    print_text,
    project_options,
    site,
    terminal_width,
)
from matrix.core.query import EXAMPLES, KEYS, parse, select_cells
from matrix.report.asking import asked_of, part
from matrix.report.harmless import harmless

_EXAMPLES = "  ".join(EXAMPLES.values())
#: A word that means the other cells, which looks like an option: ``-is:green``.
_NEGATED = re.compile(f"-(?:{'|'.join(KEYS)}):", re.IGNORECASE)


class QueryCommand(click.Command):
    """A command whose arguments are words of a query, wherever they stand."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take ``-is:green`` for the word it is, not for ``-i s:green``."""
        if "--" not in args:
            words = [one for one in args if _NEGATED.match(one)]
            args = [*(one for one in args if one not in words), "--", *words] if words else args
        return super().parse_args(ctx, args)


@click.command("grid", cls=QueryCommand, epilog=f"Words of a query: {_EXAMPLES}")
@click.argument("query", nargs=-1)
@click.option(
    "--compare",
    "compare_with",
    default="",
    metavar="RUN|RELEASE|FILE",
    help="What is:changed goes by.",
)
@project_options
@json_option
def command(
    query: tuple[str, ...],
    compare_with: str,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
) -> None:
    """Show the cells of the newest grid that QUERY means; without one, all of them.

    \b
    All words must hold: matrix grid 'fails:one kind:customer'
    Commas are alternatives, - means the others: status:failed,error -env:acme-*
    fails:one    FAILED as the only one of its row: one sick environment
    fails:all    FAILED wherever it says anything: one sick service
    is:changed is:flaky is:waived is:reported is:reused is:running is:problem
    is:green
    A word without a key is looked for in names, reasons and messages.
    A word without a key that begins with - comes after --: matrix grid -- '-qa'
    """
    words = parse(" ".join(query))
    with site(start, inventories) as one:
        report = harmless(read_report(one, compare_with=compare_with))
    found = select_cells(asked_of(report), words, now=datetime.now(UTC))
    if as_json:
        print_json({"query": " ".join(query), "run": report.run, "cells": found})
    else:
        print_text(part(report, {cell.cell for cell in found}, width=terminal_width()))
