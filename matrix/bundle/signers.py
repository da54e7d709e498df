"""Whose signatures count: an allowed-signers file (ssh-keygen(1), ALLOWED SIGNERS).

One line a key: principals, options, kind and key. Of the options ``namespaces=``,
``valid-after=`` and ``valid-before=`` are honoured and any other makes the line a fault, since an
option that is not understood may be what limits the key.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from fnmatch import fnmatchcase

from matrix.bundle import sshsig
from matrix.core.errors import ConfigError, ConfigFault, Refused

_TIMES = ("%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S")
#: Kinds of keys a line may start its key with.
KINDS = ("ssh-", "ecdsa-", "sk-")


class Standing(Enum):
    """How a key stands at a moment."""

    VALID = "valid"
    NOT_YET = "not yet valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """One allowed key."""

    #: Whose it is; several names with commas between them, each may be a pattern.
    principal: str
    #: ``ssh-ed25519 AAAA…``.
    key: str
    #: Patterns of what it may sign; () for everything.
    namespaces: tuple[str, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None

    def may_sign(self, namespace: str, now: datetime) -> bool:
        """Whether its signature counts for *namespace* at *now*."""
        return self.is_for(namespace) and self.standing(now) is Standing.VALID

    def is_for(self, namespace: str) -> bool:
        """Whether it may sign such things at all."""
        return not self.namespaces or any(fnmatchcase(namespace, one) for one in self.namespaces)

    def standing(self, now: datetime) -> Standing:
        """How it stands at *now* as its line says, whether or not it was revoked."""
        if self.not_before is not None and now < self.not_before:
            return Standing.NOT_YET
        over = self.not_after is not None and now >= self.not_after
        return Standing.EXPIRED if over else Standing.VALID

    def speaks_for(self, name: str) -> bool:
        """Whether *name* is one of its principals."""
        return any(fnmatchcase(name, one) for one in self.principal.split(","))


def read_signers(text: str, *, file: str) -> tuple[Signer, ...]:
    """The keys of an allowed-signers file; raises ConfigError with every fault."""
    faults, signers = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                signers.append(_signer(line.split()))
            except (Refused, ValueError) as error:
                faults.append(_fault(file, number, str(error)))
    if faults:
        raise ConfigError(tuple(faults))
    return tuple(signers)


def find_signer(
    signers: Iterable[Signer], key: str, *, namespace: str, revoked: Iterable[str], now: datetime
) -> str | None:
    """Whose key it is, None for a key nobody has allowed.

    Raises Refused for a key that is revoked, or that is known but counts not for this or not now.
    """
    mark = sshsig.fingerprint(key)
    if mark in {sshsig.fingerprint(line) for line in revoked}:
        raise Refused(f"the key {mark} is revoked")
    known = [one for one in signers if sshsig.fingerprint(one.key) == mark]
    for signer in known:
        if signer.may_sign(namespace, now):
            return signer.principal
    if known:
        raise Refused(_why_not(known[0], namespace, now))
    return None


def line_of(signer: Signer) -> str:
    """The signer as a line of the file."""
    options = [f'namespaces="{",".join(signer.namespaces)}"'] if signer.namespaces else []
    for name, when in (("valid-after", signer.not_before), ("valid-before", signer.not_after)):
        if when is not None:
            options.append(f'{name}="{when:%Y%m%d%H%M%S}Z"')
    return " ".join([signer.principal, *([",".join(options)] if options else []), signer.key])


def _why_not(signer: Signer, namespace: str, now: datetime) -> str:
    whose = f"the key {sshsig.fingerprint(signer.key)} of {signer.principal}"
    if not signer.is_for(namespace):
        return f'{whose} may sign {", ".join(signer.namespaces)}, not "{namespace}"'
    if signer.not_before is not None and signer.standing(now) is Standing.NOT_YET:
        return f"{whose} counts from {_moment(signer.not_before)} on"
    until = _moment(signer.not_after) if signer.not_after else "never"
    return f"{whose} counted until {until}"


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _signer(words: list[str]) -> Signer:
    principal, *rest = words
    if any(one.startswith("!") or '"' in one for one in principal.split(",")):
        raise ValueError(f"the name {principal[:40]!r} is not understood: no quotes and no !")
    options = "" if rest and rest[0].startswith(KINDS) else rest.pop(0) if rest else ""
    if len(rest) < 2:  # noqa: PLR2004 - kind and key
        raise ValueError("a line is: name, options, kind of key, key")
    key = " ".join(rest[:2])
    sshsig.public_key(key)
    found = _options(options)
    namespaces = found.get("namespaces", "")
    return Signer(
        principal=principal,
        key=key,
        namespaces=tuple(namespaces.split(",")) if namespaces else (),
        not_before=_time(found.get("valid-after")),
        not_after=_time(found.get("valid-before")),
    )


def _options(text: str) -> dict[str, str]:
    found, rest = {}, text
    while rest:
        match = re.match(r'([a-z-]+)="([^"]*)"(?:,|$)|([a-z-]+)=([^",]+)(?:,|$)', rest)
        if not match:
            raise ValueError(f"option {rest[:40]!r} is not understood")
        name, value = match[1] or match[3], match[2] or match[4] or ""
        if name not in ("namespaces", "valid-after", "valid-before"):
            raise ValueError(f"option {name} is not understood")
        found[name] = value
        rest = rest[match.end() :]
    return found


def _time(text: str | None) -> datetime | None:
    """In UTC with a Z behind it, else in the time zone of this machine, as ssh-keygen reads it."""
    if text is None:
        return None
    for form in _TIMES:
        try:
            found = datetime.strptime(text.removesuffix("Z"), form)  # noqa: DTZ007 - set below
        except ValueError:
            continue
        return found.replace(tzinfo=UTC) if text.endswith("Z") else found.astimezone()
    raise ValueError(f"{text!r} is no time: YYYYMMDD[HHMM[SS]][Z]")


def _fault(file: str, line: int, found: str) -> ConfigFault:
    return ConfigFault(
        file=file, key="", line=line, found=found, allowed="see ssh-keygen(1), ALLOWED SIGNERS"
    )
