"""Which keys a machine may show, in the format of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. Pure."""

import base64
import binascii
import fnmatch
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

SSH_PORT = 22


@dataclass(frozen=True, kw_only=True, slots=True)
class HostKey:
    """One public key, as type and bytes."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """``SHA256:…`` as ``ssh-keygen -l`` prints it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return "SHA256:" + digest.rstrip("=")

    def __str__(self) -> str:
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownKeys:
    """What is known about one machine."""

    trusted: tuple[HostKey, ...]
    #: Keys that are refused even if they are trusted elsewhere.
    revoked: tuple[HostKey, ...] = ()


def parse_key(text: str) -> HostKey | None:
    """``ssh-ed25519 AAAA… [comment]``; None when it is not a public key."""
    match text.split():
        case [kind, encoded, *_]:
            try:
                return HostKey(kind=kind, blob=base64.b64decode(encoded, validate=True))
            except (binascii.Error, ValueError):
                return None
    return None


def pinned(keys: Iterable[str]) -> KnownKeys:
    """Keys pinned in the inventory; one that cannot be read trusts nothing."""
    return KnownKeys(trusted=tuple(key for text in keys if (key := parse_key(text))))


def look_up(lines: Iterable[str], address: str, port: int) -> KnownKeys:
    """The keys that *lines* of a known_hosts file have for *address* and *port*.

    Certificate authorities are passed over: a host is known by its own key only.
    """
    trusted, revoked = [], []
    for line in lines:
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        names = fields.pop(0) if fields else ""
        key = parse_key(" ".join(fields))
        if key is None or not _matches(names, address, port):
            continue
        if marker == "@revoked":
            revoked.append(key)
        elif not marker:
            trusted.append(key)
    return KnownKeys(trusted=tuple(trusted), revoked=tuple(revoked))


def _matches(names: str, address: str, port: int) -> bool:
    """Whether the first field of a line means this machine; ``!pattern`` rules it out."""
    wanted = address.lower() if port == SSH_PORT else f"[{address.lower()}]:{port}"
    if names.startswith("|1|"):
        return _hash_matches(names, wanted)
    found = False
    for pattern in names.lower().split(","):
        # Brackets mean a port here, and a set of characters to fnmatch.
        plain = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatch.fnmatchcase(wanted, plain):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _hash_matches(field: str, wanted: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in field[3:].split("|"))
    except (binascii.Error, ValueError):
        return False
    # The file format is HMAC-SHA1 by definition; nothing here rests on its strength.
    return hmac.compare_digest(hmac.new(salt, wanted.encode(), hashlib.sha1).digest(), digest)
