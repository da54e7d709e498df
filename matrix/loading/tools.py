"""Running another tool to read its own files: an argument list, a bare environment, a deadline."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from matrix.core.errors import UsageError
from matrix.core.text import decode, one_line

#: Reading a file takes a second; a tool that takes longer is waiting for somebody.
DEADLINE_SECONDS = 30
#: More output than this is not an inventory that somebody wrote.
CAP_BYTES = 16 * 1024 * 1024


def tool_path(name: str, *, install: str) -> str:
    """Where the tool is; UsageError, saying *install*, when it is not here."""
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"{name} is not installed: {install}")
    return found


def output_of(argv: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> str:
    """What the tool prints on stdout; UsageError with its last words when it fails.

    It runs in *folder* with no other environment variables than *environment*, so that neither
    settings of the user nor files lying about change what it does.
    """
    try:
        done = subprocess.run(  # noqa: S603 - found on PATH, arguments as a list
            list(argv),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{argv[0]} did not end in {DEADLINE_SECONDS} seconds"
        raise UsageError(message) from error
    if done.returncode != 0 or len(done.stdout) > CAP_BYTES:
        last = one_line(decode(done.stderr)[-600:], 300)
        raise UsageError(f"{argv[0]} ended with status {done.returncode}: {last}")
    return decode(done.stdout)
