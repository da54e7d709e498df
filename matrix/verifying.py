"""Is a report or a result what its signer signed, and consistent with itself? Changes nothing.

| the file has                             | signature   | then its content             |
|------------------------------------------|-------------|------------------------------|
| a signature that counts                  | holds       | is looked into               |
| one that does not                        | is refused  | is not even read             |
| none, but says that it has one           | is refused  | is looked into               |
| none                                     | is unsigned | is looked into               |

A result is asked all that its import would ask, see ``importing``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from matrix.bundle import dsse
from matrix.bundle.checking import (
    Finding,
    Signed,
    finding,
    signed_beside,
    signed_with,
    words_of,
)
from matrix.bundle.keyring import Keyring
from matrix.bundle.keys import signature_of
from matrix.bundle.result import open_result
from matrix.core.errors import Refused
from matrix.importing import Checked, Desk, check_result, read_result
from matrix.report.consistent import Said, said_in_json, said_in_statement, said_on_page
from matrix.report.recorded import decoded, read_bytes_capped

UNSIGNED = "nobody has signed it: nothing tells who made it, or whether it was changed since"

#: How a file of each kind begins; the first that fits. JSON by its first key, whatever comes then.
BEGINNINGS = (
    ("envelope", re.compile(rb'\s*\{\s*"(?:payload|payloadType|signatures)"')),
    ("in-toto", re.compile(rb'\s*\{\s*"(?:_type|subject|predicate|predicateType)"')),
    ("json", re.compile(rb'\s*\{\s*"schema_version"')),
    ("html", re.compile(rb"\s*<!doctype html>", re.IGNORECASE)),
)
OTHER = "other"
#: Kind of file → what is held against what in it; any other is not looked into.
LOOKS: Mapping[str, Callable[[Path, str], Said]] = {
    "envelope": said_in_statement,
    "in-toto": said_in_statement,
    "json": said_in_json,
    "html": said_on_page,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What was found out about one report."""

    #: One of BEGINNINGS, or OTHER.
    kind: str
    findings: tuple[Finding, ...]
    #: None when nobody has signed, or nobody whose signature counts.
    signed: Signed | None
    #: None when the content was refused or not looked into.
    said: Said | None


def verify_report(file: Path, ring: Keyring, now: datetime) -> Verified:
    """Who signed *file*, and whether it contradicts itself.

    Raises UsageError when it cannot be read or is larger than any report.
    """
    data = read_bytes_capped(file)
    kind = next((name for name, begins in BEGINNINGS if begins.match(data)), OTHER)
    try:
        content, signed = _signed(file, kind, data, ring, now)
    except Refused as error:
        refusal = Finding(check="signature", holds=False, says=str(error))
        return Verified(kind=kind, findings=(refusal,), signed=None, said=None)
    findings = [_signature_finding(signed)]
    said = None
    if kind in LOOKS:
        try:
            said = LOOKS[kind](file, decoded(file, content))
            findings[0] = _claim(said, signed) or findings[0]
            findings.append(Finding(check="content", holds=True, says="says the same everywhere"))
        except Refused as error:
            findings.append(Finding(check="content", holds=False, says=str(error)))
    return Verified(kind=kind, findings=tuple(findings), signed=signed, said=said)


def verify_result(file: Path, desk: Desk) -> tuple[tuple[Finding, ...], Checked | None]:
    """What was looked at of the result in *file*; None where its import would refuse it.

    Raises UsageError when it cannot be read.
    """
    signature = finding("signature", lambda: _signature_of_result(file, desk))
    if not signature.holds:
        return (signature,), None
    try:
        found = check_result(desk, file)
    except Refused as error:
        return (signature, Finding(check="result", holds=False, says=str(error))), None
    return (signature, Finding(check="result", holds=True, says=_words_of(found))), found


def _signature_of_result(file: Path, desk: Desk) -> str:
    _, key = open_result(read_result(file), trusts=desk.ring.trusts(desk.now))
    return words_of(signed_with(desk.ring.trusts(desk.now)(key) or "", key))


def _words_of(found: Checked) -> str:
    if found.known is not None:
        return f"these same bytes were imported before, as run {found.known.run}"
    kit = found.kit
    return (
        f"from the kit for {kit.customer} of {kit.built_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, "
        "which has had no result yet; measured while it was good, says the same everywhere"
    )


def _signed(
    file: Path, kind: str, data: bytes, ring: Keyring, now: datetime
) -> tuple[bytes, Signed | None]:
    """The content, and who signed it, None for nobody; raises Refused."""
    if kind == "envelope":
        content, name, key = dsse.open_envelope(data, dsse.STATEMENT_TYPE, trusts=ring.trusts(now))
        return content, signed_with(name, key)
    if signature_of(file).exists():
        return data, signed_beside(file, data, ring, now)
    return data, None


def _signature_finding(signed: Signed | None) -> Finding:
    if signed is None:
        return Finding(check="signature", holds=None, says=UNSIGNED)
    return Finding(check="signature", holds=True, says=words_of(signed))


def _claim(said: Said, signed: Signed | None) -> Finding | None:
    """What is wrong with the key that the file says it is signed with; None for nothing."""
    found = signed.fingerprint if signed else "nothing: the signature beside it is gone"
    if said.signed_by in ("", found):
        return None
    says = f"says it is signed with {said.signed_by}, and is with {found}"
    return Finding(check="signature", holds=False, says=says)
