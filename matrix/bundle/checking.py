"""Is a file what its signer signed, and is a kit whole and still good? Changes nothing.

The signature comes first: what a file says about itself counts for nothing before that.
"""

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from matrix.bundle import sshsig
from matrix.bundle.keyring import Keyring
from matrix.bundle.keys import FILE_NAMESPACE, signature_of
from matrix.bundle.kit import IMAGES, Kit
from matrix.bundle.manifest import Manifest
from matrix.core.errors import Refused
from matrix.core.text import size_text

#: Ends the name of a key that may speak for everybody.
ANYBODY = ",*"
#: What Python's zip reader says to what is no zip, or one with tricks.
_NO_ZIP = (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at."""

    #: Short word: "signature", "whole", "contents", "expiry".
    check: str
    #: None where there is nothing to hold: no signature was made.
    holds: bool | None
    #: One line for people.
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """Who signed."""

    #: As the keyring names them.
    name: str
    fingerprint: str


def signed_with(name: str, key: str) -> Signed:
    """Who signed, from what the keyring calls them and their public key line."""
    return Signed(name=name.removesuffix(ANYBODY), fingerprint=sshsig.fingerprint(key))


def signed_beside(file: Path, message: bytes | IO[bytes], ring: Keyring, now: datetime) -> Signed:
    """Who signed *message*, the content of *file*, by the signature beside the file.

    Raises Refused unless that counts *now*.
    """
    signature = signature_of(file)
    try:
        with signature.open(encoding="ascii") as opened:
            found = sshsig.read(opened.read(sshsig.CAP_CHARACTERS + 1))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{signature.name} beside it cannot be read: {error}") from error
    name = ring.trusts(now, namespace=FILE_NAMESPACE)(found.key)
    if name is None:
        raise Refused(f"signed by {sshsig.fingerprint(found.key)}, which is not an allowed signer")
    sshsig.check(found, message, namespace=FILE_NAMESPACE)
    return signed_with(name, found.key)


def check_kit(
    file: Path, ring: Keyring, now: datetime
) -> tuple[tuple[Finding, ...], Manifest | None]:
    """What was looked at of the kit in *file*, and what it says about itself; None for nothing."""
    findings = [finding("signature", lambda: _signature(file, ring, now))]
    try:
        kit = Kit(file)
    except _NO_ZIP as error:
        findings.append(Finding(check="whole", holds=False, says=f"is no kit: {error}"))
        return tuple(findings), None
    except Refused as error:
        findings.append(Finding(check="whole", holds=False, says=str(error)))
        return tuple(findings), None
    try:
        size = size_text(file.stat().st_size)
        findings.append(Finding(check="whole", holds=True, says=f"none of its {size} is damaged"))
        findings.append(finding("contents", lambda: _contents(kit)))
        findings.append(finding("expiry", lambda: _expiry(kit.manifest, now)))
    finally:
        kit.close()
    return tuple(findings), kit.manifest


def finding(check: str, look: Callable[[], str]) -> Finding:
    """What *look* says, or why it refuses."""
    try:
        return Finding(check=check, holds=True, says=look())
    except Refused as error:
        return Finding(check=check, holds=False, says=str(error))


def _signature(file: Path, ring: Keyring, now: datetime) -> str:
    """Who signed, in words; raises Refused when nobody has whose signature counts."""
    if not signature_of(file).exists():
        raise Refused(f"there is no {signature_of(file).name} beside it: anybody may have made it")
    with file.open("rb") as message:
        return words_of(signed_beside(file, message, ring, now))


def words_of(signed: Signed) -> str:
    """Who signed, in words."""
    return f"signed by {signed.name} with {signed.fingerprint}"


def _contents(kit: Kit) -> str:
    try:
        for name in kit.manifest.files:
            if name == IMAGES:
                _check_images(kit)
            else:
                kit.read(name)
    except _NO_ZIP as error:
        raise Refused(f"a file in it cannot be read: {error}") from error
    return f"all {len(kit.manifest.files)} files in it are what the kit says"


def _check_images(kit: Kit) -> None:
    with kit.images() as images:
        found = hashlib.file_digest(images, "sha256").hexdigest()  # type: ignore[arg-type]
    if found != kit.manifest.files[IMAGES]:
        raise Refused(f"{IMAGES} in the kit is not what it should be")


def _expiry(manifest: Manifest, now: datetime) -> str:
    until = f"{manifest.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if manifest.is_over(now):
        raise Refused(f"was good until {until}: make a new one")
    return f"good until {until}"
