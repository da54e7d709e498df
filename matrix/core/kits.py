"""Kits that were given away, and the results that came back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from matrix.core.errors import Refused


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedKit:
    """What we know of a kit: a result counts only where all of it holds."""

    #: 64 hexadecimal digits; no two kits have the same.
    nonce: str
    #: Environment it was made for.
    customer: str
    built_at: datetime
    #: Measured later than this, a result does not count.
    expires_at: datetime
    #: SHA-256 of ``kit.json``, in hexadecimal.
    digest: str
    #: SHA-256 of the policy in it, in hexadecimal; "" for a kit from before it had one.
    policy: str
    #: Service → id of its image.
    images: Mapping[str, str]
    #: Service → hash of its probes' sources.
    probes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """A result that came back: a kit has at most one."""

    #: Of the kit.
    nonce: str
    #: SHA-256 of the file as it came, in hexadecimal.
    sha256: str
    #: Run that it became.
    run: str
    imported_at: datetime


def imported_before(known: Import, again: Import) -> Import:
    """*known*; raises Refused unless *again* is of the same bytes."""
    if known.sha256 != again.sha256:
        raise Refused(
            f"another result of this kit was imported on {known.imported_at:%Y-%m-%d %H:%M} UTC as "
            f"run {known.run}: a kit is good for one result, so make a new one"
        )
    return known
