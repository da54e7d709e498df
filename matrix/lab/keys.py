"""Keys of the lab: a host key and a client key for every host, and who is known under them.

All of it lies in one folder that is this user's alone and goes with the lab. The formats are those
of OpenSSH: PROTOCOL.key for the private keys, sshd(8) for known_hosts.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from matrix.lab.plan import HostPlan


def ensure_key(path: Path) -> str:
    """The public half, ``ssh-ed25519 AAAA…``, of the private key at *path*, made if it is absent.

    The public half is written first, so that a private key is never without it.
    """
    public = path.with_name(path.name + ".pub")
    if path.exists() and public.exists():
        return public.read_text(encoding="ascii").strip()
    key = Ed25519PrivateKey.generate()
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    write_private(public, line + b"\n")
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return line.decode("ascii")


def write_private(path: Path, content: bytes) -> None:
    """Put *content* at *path* in one step, readable by this user only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)


def known_name(host: HostPlan) -> str:
    """How known_hosts names the host: a port other than 22 is part of it."""
    return str(host.address) if host.port == 22 else f"[{host.address}]:{host.port}"  # noqa: PLR2004


def write_known_hosts(keys: Iterable[tuple[HostPlan, str]]) -> None:
    """Make the public *keys* the only ones known for their hosts; lines of others stay."""
    by_file: dict[Path, dict[str, str]] = {}
    for host, key in keys:
        by_file.setdefault(host.known_hosts, {})[known_name(host)] = key
    for file, names in by_file.items():
        kept = [line for line in _lines(file) if line.split(" ", 1)[0] not in names]
        added = [f"{name} {key}" for name, key in names.items()]
        write_private(file, ("\n".join([*kept, *added]) + "\n").encode())


def known_key(host: HostPlan) -> str | None:
    """The public key that the host's known_hosts has for it, or None."""
    for line in _lines(host.known_hosts):
        name, _, key = line.partition(" ")
        if name == known_name(host):
            return key
    return None


def forget_hosts(hosts: Iterable[HostPlan]) -> None:
    """Take away the client keys of *hosts* and their lines in known_hosts."""
    for host in hosts:
        host.identity_file.unlink(missing_ok=True)
        host.identity_file.with_name(host.identity_file.name + ".pub").unlink(missing_ok=True)
        kept = [
            line for line in _lines(host.known_hosts) if line.split(" ", 1)[0] != known_name(host)
        ]
        if kept:
            write_private(host.known_hosts, ("\n".join(kept) + "\n").encode())
        else:
            host.known_hosts.unlink(missing_ok=True)


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
