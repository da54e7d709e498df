"""Private keys on the command line."""

import sys
from pathlib import Path

import click

from matrix.bundle.keys import SigningKey, load_private_key
from matrix.core.errors import UsageError


def private_key(file: Path) -> SigningKey:
    """The key in *file*; its passphrase is asked for on a terminal. Raises UsageError."""
    return load_private_key(file, ask=_ask)


def _ask(file: Path) -> bytes:
    if not sys.stdin.isatty():
        raise UsageError(f"{file} has a passphrase: use a key without one, or a terminal")
    said: str = click.prompt(f"Passphrase of {file}", hide_input=True, err=True)
    return said.encode("utf-8")
