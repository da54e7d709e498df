"""Private keys that sign: read, made, and used on files."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from matrix.bundle import sshsig
from matrix.core.errors import UsageError

#: What the signature beside a kit is for; ``ssh-keygen -Y verify -n file`` asks for it.
FILE_NAMESPACE = "file"
SIGNATURE_SUFFIX = ".sig"
KEY_CAP_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """A private key with its public line."""

    private: sshsig.PrivateKey
    #: ``ssh-ed25519 AAAA…``.
    public: str

    def sign(self, message: bytes | IO[bytes], *, namespace: str) -> str:
        """An armored signature."""
        return sshsig.sign(message, self.private, self.public, namespace=namespace)


def load_private_key(file: Path, *, ask: Callable[[Path], bytes]) -> SigningKey:
    """The key in *file*, OpenSSH's own format; *ask* gives its passphrase when it has one.

    Raises UsageError for a file that is no such key, or a wrong passphrase.
    """
    try:
        data = file.read_bytes()[:KEY_CAP_BYTES]
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    try:
        return signing_key(load_ssh_private_key(data, password=None))
    except TypeError:
        # That is how a passphrase is asked for.
        return _load_locked(file, data, ask(file))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{file}: not a private key in OpenSSH's format: {error}") from error


def signing_key(private: object) -> SigningKey:
    """Raises UsageError for a kind of key that does not sign here."""
    if not isinstance(private, sshsig.PrivateKey):
        raise UsageError("only Ed25519, ECDSA and RSA keys sign here")
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return SigningKey(private=private, public=line.decode("ascii"))


def new_key(file: Path, *, comment: str) -> SigningKey:
    """Make an Ed25519 key: *file* for its owner only, ``.pub`` beside it. Overwrites nothing."""
    private = Ed25519PrivateKey.generate()
    key = signing_key(private)
    public = file.with_name(f"{file.name}.pub")
    if os.path.lexists(public):
        raise UsageError(f"{public}: is there already, nothing is overwritten")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(file, "xb", opener=_private_opener) as out:
            out.write(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        with public.open("x", encoding="utf-8") as text:
            text.write(f"{key.public} {comment}\n")
    except FileExistsError as error:
        raise UsageError(f"{error.filename}: is there already, nothing is overwritten") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be made: {error.strerror}") from error
    return key


def sign_file(file: Path, key: SigningKey) -> Path:
    """Put the signature of *file* beside it; returns where."""
    signature = signature_of(file)
    with file.open("rb") as message:
        signature.write_text(key.sign(message, namespace=FILE_NAMESPACE))
    return signature


def signature_of(file: Path) -> Path:
    """Where the signature of *file* lies."""
    return file.with_name(f"{file.name}{SIGNATURE_SUFFIX}")


def _load_locked(file: Path, data: bytes, passphrase: bytes) -> SigningKey:
    try:
        return signing_key(load_ssh_private_key(data, password=passphrase))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{file}: the passphrase does not open it") from error


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
