"""The secret by which names become tokens: made once, kept by the customer, never sent."""

import os
import secrets
import stat
from pathlib import Path

from matrix.core.errors import UsageError

KEY_BYTES = 32
FOLDER = "compat-matrix"
FILE = "redaction.key"


def default_place() -> Path:
    """Below $XDG_STATE_HOME, or what stands for it (XDG Base Directory Specification 0.8).

    Raises UsageError for an account without a home.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        base = Path(state) if os.path.isabs(state) else Path.home() / ".local/state"
    except RuntimeError as error:
        raise UsageError(
            "this account has no home folder: name a file with --redaction-key"
        ) from error
    return base / FOLDER / FILE


def passing_key() -> bytes:
    """A key for what is not kept: nobody can compare its tokens with any others."""
    return secrets.token_bytes(KEY_BYTES)


def load_or_make_key(file: Path) -> bytes:
    """The key in *file*, made there when there is none, for its owner only.

    Raises UsageError for a file that others may read, that is no key, or cannot be made.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(file)
        return _load(file)
    except OSError as error:
        raise UsageError(
            f"{file}: the key for redacting cannot be used: {error.strerror} (name another file "
            "with --redaction-key)"
        ) from error


def _make(file: Path) -> None:
    """Whole or not at all; one that is there stays."""
    if file.exists():
        return
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(opened, "w", encoding="ascii") as out:
            out.write(f"{secrets.token_hex(KEY_BYTES)}\n")
        # Unlike a rename, a link never takes the place of a key that somebody made meanwhile.
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _load(file: Path) -> bytes:
    with file.open("rb") as opened:
        mode = os.fstat(opened.fileno()).st_mode
        text = opened.read(4 * KEY_BYTES)
    if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
        raise UsageError(f"{file}: others may read this key: chmod 600 it, or remove it")
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise UsageError(f"{file}: no key for redacting: remove it, and a new one is made")
    return key
