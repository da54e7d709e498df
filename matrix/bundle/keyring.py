"""The keys of a project: whose signatures count, in ``keys/`` beside matrix.toml.

| file              | holds                                                                   |
|-------------------|-------------------------------------------------------------------------|
| allowed_signers   | who may sign what and when: ``ssh-keygen -Y verify -f`` takes it        |
| revoked           | public keys that count no more: ``ssh-keygen -Y verify -r`` takes it    |

Whether a key counts is asked at the moment of checking, so a key that is revoked or over today
counts for nothing any more, whenever it signed: nobody but the signer says when that was.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from matrix.bundle import dsse, sshsig
from matrix.bundle.signers import KINDS, Signer, Standing, find_signer, line_of, read_signers
from matrix.core.errors import ConfigError, ConfigFault, Refused, UsageError

FOLDER, ALLOWED, REVOKED = "keys", "allowed_signers", "revoked"
CAP_BYTES = 1024 * 1024
HEADS = {
    ALLOWED: "# Whose signatures count: ssh-keygen(1), ALLOWED SIGNERS. `matrix key` writes it.\n",
    REVOKED: "# Keys that count no more, whatever the other file says. `matrix key` writes it.\n",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoked:
    """One key that counts no more."""

    #: ``ssh-ed25519 AAAA…``.
    key: str
    #: What stands behind the key: when and why, as ``revoke`` writes it.
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyring:
    """Every key of a project."""

    signers: tuple[Signer, ...]
    revoked: tuple[Revoked, ...]

    def trusts(
        self, now: datetime, *, namespace: str = dsse.NAMESPACE
    ) -> Callable[[str], str | None]:
        """What ``dsse.open_envelope`` asks: whose key a public key line is, as it counts *now*."""
        revoked = tuple(one.key for one in self.revoked)

        def whose(key: str) -> str | None:
            return find_signer(self.signers, key, namespace=namespace, revoked=revoked, now=now)

        return whose

    def speaks_for(
        self, key: str, name: str, *, now: datetime, namespace: str = dsse.NAMESPACE
    ) -> bool:
        """Whether *key* may sign for *name*, the environment a result is for, *now*."""
        mark = sshsig.fingerprint(key)
        return mark not in self.revoked_marks() and any(
            sshsig.fingerprint(one.key) == mark
            and one.speaks_for(name)
            and one.may_sign(namespace, now)
            for one in self.signers
        )

    def standing(self, signer: Signer, now: datetime) -> Standing:
        """How *signer* stands at *now*; that its key was revoked goes before all else."""
        if sshsig.fingerprint(signer.key) in self.revoked_marks():
            return Standing.REVOKED
        return signer.standing(now)

    def revoked_marks(self) -> frozenset[str]:
        """The fingerprints of all revoked keys."""
        return frozenset(sshsig.fingerprint(one.key) for one in self.revoked)


def load_keyring(root: Path) -> Keyring:
    """The keys of the project in *root*; a file that is not there holds none.

    Raises ConfigError with every fault of the first file that has any: a line that is not
    understood might be the one that takes a key away.
    """
    folder = root / FOLDER
    return Keyring(
        signers=read_signers(_text(folder / ALLOWED), file=f"{FOLDER}/{ALLOWED}"),
        revoked=read_revoked(_text(folder / REVOKED), file=f"{FOLDER}/{REVOKED}"),
    )


def read_revoked(text: str, *, file: str) -> tuple[Revoked, ...]:
    """The keys of a list of revoked ones; raises ConfigError with every fault."""
    faults, found = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split(maxsplit=2)
        try:
            found.append(_revoked(words))
        except (Refused, ValueError) as error:
            allowed = "a public key a line, no KRL"
            faults.append(
                ConfigFault(file=file, key="", line=number, found=str(error), allowed=allowed)
            )
    if faults:
        raise ConfigError(tuple(faults))
    return tuple(found)


def allow(root: Path, signer: Signer) -> Path:
    """Write *signer* down in the project in *root*; returns the file.

    Raises UsageError for a key that is revoked or allowed for that name already, ConfigError when
    the files have faults.
    """
    with _locked(root) as folder:
        ring = load_keyring(root)
        mark = sshsig.fingerprint(signer.key)
        if mark in ring.revoked_marks():
            raise UsageError(f"{mark} is revoked and stays so: a new key is needed")
        for one in ring.signers:
            if sshsig.fingerprint(one.key) == mark and one.principal == signer.principal:
                raise UsageError(
                    f"{mark} is allowed for {signer.principal} already: change its line in "
                    f"{FOLDER}/{ALLOWED}"
                )
        return _append(folder / ALLOWED, [line_of(signer)])


def revoke(root: Path, keys: Sequence[str], *, note: str) -> Path:
    """Write public key lines down as revoked, *note* behind each; returns the file.

    Those that are revoked already stay as they are.
    """
    with _locked(root) as folder:
        known = load_keyring(root).revoked_marks()
        new = {sshsig.fingerprint(key): key for key in keys}
        note = " ".join(note.split())
        return _append(
            folder / REVOKED,
            [
                f"{' '.join(key.split()[:2])} {note}"
                for mark, key in new.items()
                if mark not in known
            ],
        )


def read_public_key(file: Path) -> str:
    """The key in a ``.pub`` file, without what stands behind it.

    Raises UsageError for a file that holds anything but one public key.
    """
    lines = [line for line in _text(file).splitlines() if line.strip()]
    if lines and "PRIVATE KEY" in lines[0]:
        raise UsageError(
            f"{file}: is a private key, which nobody but its owner may see: give the .pub"
        )
    if len(lines) != 1:
        raise UsageError(f"{file}: holds {len(lines)} lines, not one public key")
    key = " ".join(lines[0].split()[:2])
    try:
        sshsig.public_key(key)
    except Refused as error:
        raise UsageError(f"{file}: {error}") from error
    return key


def _revoked(words: list[str]) -> Revoked:
    if len(words) < 2 or not words[0].startswith(KINDS):  # noqa: PLR2004 - kind and key
        raise ValueError("a line is: kind of key, key, and what you like")
    key = f"{words[0]} {words[1]}"
    sshsig.fingerprint(key)
    return Revoked(key=key, note=words[2].strip() if len(words) > 2 else "")  # noqa: PLR2004


def _text(file: Path) -> str:
    """What *file* holds, "" when it is not there; raises ConfigError when it cannot be read."""
    try:
        with file.open("rb") as opened:
            data = opened.read(CAP_BYTES + 1)
        if len(data) > CAP_BYTES:
            raise ValueError(f"larger than {CAP_BYTES} bytes")
        return data.decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        fault = ConfigFault(file=str(file), key="", found=found, allowed="a text file of keys")
        raise ConfigError((fault,)) from error


@contextmanager
def _locked(root: Path) -> Iterator[Path]:
    """The folder of the keys, made if need be; no other of us writes into it meanwhile."""
    folder = root / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        number = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(number)


def _append(file: Path, lines: Sequence[str]) -> Path:
    """Add *lines* in one step: a reader sees the file as it was or as it will be."""
    text = _text(file) or HEADS[file.name]
    text = text if text.endswith("\n") else f"{text}\n"
    half = file.with_name(f".{file.name}.new")
    try:
        half.write_text(text + "".join(f"{line}\n" for line in lines), encoding="utf-8")
        if file.exists():
            shutil.copymode(file, half)
        half.replace(file)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    return file
