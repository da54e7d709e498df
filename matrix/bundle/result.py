"""The file that comes back from a kit: one signed in-toto statement with the report in it.

The statement is a test-result (in-toto attestation framework, v0.1): its subjects are the images,
its configuration says with which probes, policy and kit they were measured, and its evidence is
our JSON report, compressed. What is read here may come from anybody: everything has a cap, and
fields that we do not know are left alone, as in-toto asks.
"""

import base64
import binascii
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from matrix.bundle import dsse
from matrix.bundle.json_caps import Caps, refuse_swarms
from matrix.bundle.manifest import Hex
from matrix.core.errors import Refused
from matrix.core.kits import IssuedKit

PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
STATEMENT = "https://in-toto.io/Statement/v1"
EVIDENCE, MEDIA_TYPE = "report", "application/gzip"
MEBIBYTE = 1024 * 1024
ENVELOPE_CAPS = Caps(size_bytes=24 * MEBIBYTE, containers=64, members=256)
STATEMENT_CAPS = Caps(size_bytes=18 * MEBIBYTE, containers=2_000, members=10_000)
REPORT_CAPS = Caps(size_bytes=16 * MEBIBYTE, containers=40_000, members=100_000)
#: In an envelope: some programs write every "/" of base64 as one.
ESCAPES_MOST = 1_000_000
#: zlib's word for a gzip header and trailer (zlib.h, inflateInit2).
_GZIP = 16 + zlib.MAX_WBITS
_MOST = 1_000

Text = Annotated[str, Field(max_length=600)]


class Loose(BaseModel):
    """An object of a statement."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Digest(Loose):
    """Of one thing."""

    sha256: Hex


class Subject(Loose):
    """An image that was measured, by the name of its service."""

    name: Text
    digest: Digest


class Annotations(Loose):
    """What a descriptor says besides."""

    nonce: Hex | None = None


class Descriptor(Loose):
    """Something the measurement rests on."""

    name: Text
    digest: Digest | None = None
    annotations: Annotations | None = None


class Evidence(Loose):
    """The report; the digest is that of the compressed bytes."""

    name: Literal["report"]
    digest: Digest
    #: gzip, in base64.
    content: str


class Removed(Loose):
    """What was taken out before it was written."""

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z -]{0,39}$")]
    count: Annotated[int, Field(ge=0, lt=2**31)]


class Predicate(Loose):
    """What was found."""

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: Annotated[tuple[Descriptor, ...], FailFast(), Field(max_length=32)]
    passed: Annotated[tuple[Text, ...], FailFast(), Field(alias="passedTests", max_length=_MOST)]
    warned: Annotated[tuple[Text, ...], FailFast(), Field(alias="warnedTests", max_length=_MOST)]
    failed: Annotated[tuple[Text, ...], FailFast(), Field(alias="failedTests", max_length=_MOST)]
    evidence: Evidence
    redacted: Annotated[tuple[Removed, ...], FailFast(), Field(max_length=64)] = ()


class Statement(Loose):
    """A result, its signature taken off."""

    kind: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    predicate_kind: Literal["https://in-toto.io/attestation/test-result/v0.1"] = Field(
        alias="predicateType"
    )
    subject: Annotated[tuple[Subject, ...], FailFast(), Field(max_length=_MOST)]
    predicate: Predicate

    @property
    def nonce(self) -> str:
        """The kit's; raises Refused where there is none."""
        annotations = self._descriptor("nonce").annotations
        if annotations is None or annotations.nonce is None:
            raise Refused("the result does not say which kit it is from")
        return annotations.nonce

    def digest_of(self, name: str) -> str:
        """Digest of one thing of the configuration; raises Refused where there is none."""
        digest = self._descriptor(name).digest
        if digest is None:
            raise Refused(f"the result does not say which {name} it was measured with")
        return digest.sha256

    def _descriptor(self, name: str) -> Descriptor:
        found = [one for one in self.predicate.configuration if one.name == name]
        if len(found) != 1:
            raise Refused(f"the result names {len(found)} times which {name} it is of, not once")
        return found[0]


def configuration(kit: IssuedKit) -> list[dict[str, object]]:
    """What a result from *kit* rests on."""
    return [
        {"name": "probe-set", "digest": {"sha256": probe_set(kit.probes)}},
        {"name": "policy", "digest": {"sha256": kit.policy}},
        {"name": "nonce", "annotations": {"nonce": kit.nonce}},
        {"name": "kit", "digest": {"sha256": kit.digest}},
    ]


def probe_set(probes: Mapping[str, str]) -> str:
    """One digest for the probes of all services: service → digest of its probes."""
    text = json.dumps(dict(probes), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def write_result(
    statement: Mapping[str, object],
    report: bytes,
    *,
    removed: Mapping[str, int],
    signer: Callable[[bytes], str],
) -> bytes:
    """The file: *statement* with *report* (JSON) and what was removed from it, signed.

    Raises Refused for one that is larger than whoever gets it would take.
    """
    packed = gzip.compress(report, mtime=0)
    evidence = {
        "name": EVIDENCE,
        "mediaType": MEDIA_TYPE,
        "digest": {"sha256": hashlib.sha256(packed).hexdigest()},
        "content": base64.b64encode(packed).decode("ascii"),
    }
    predicate = statement["predicate"]
    assert isinstance(predicate, Mapping)  # noqa: S101 - a slip of ours
    counted = [{"kind": kind, "count": count} for kind, count in sorted(removed.items()) if count]
    whole = {**statement, "predicate": {**predicate, "evidence": evidence, "redacted": counted}}
    payload = json.dumps(whole).encode("ascii")
    refuse_swarms(report, REPORT_CAPS, what="the report")
    refuse_swarms(payload, STATEMENT_CAPS, what="the result")
    sealed = dsse.seal(payload, dsse.STATEMENT_TYPE, signer=signer)
    refuse_swarms(sealed, ENVELOPE_CAPS, what="the result")
    return sealed


def open_result(data: bytes, *, trusts: Callable[[str], str | None]) -> tuple[bytes, str]:
    """The statement and the key that signed it; raises Refused. Nothing else is looked at."""
    refuse_swarms(data, ENVELOPE_CAPS, what="the file")
    if data.count(b"\\") > ESCAPES_MOST:
        raise Refused("the file holds more escapes than an envelope has use for")
    payload, _, key = dsse.open_envelope(data, dsse.STATEMENT_TYPE, trusts=trusts)
    return payload, key


def read_statement(payload: bytes) -> Statement:
    """Raises Refused for what is no statement about a kit's run."""
    refuse_swarms(payload, STATEMENT_CAPS, what="the result")
    try:
        return Statement.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:200] or "its beginning"
        raise Refused(f"the result is not in the form of one at {where}: {first['msg']}") from error


def unpack_report(evidence: Evidence) -> bytes:
    """The report as JSON; raises Refused for what is damaged, or larger than it may be."""
    try:
        packed = base64.b64decode(evidence.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("the report in the result is not base64") from error
    if hashlib.sha256(packed).hexdigest() != evidence.digest.sha256:
        raise Refused("the report in the result is not the one that the result is about")
    return _inflate(packed)


def refuse_other_tests(statement: Statement, verdicts: Mapping[str, str]) -> None:
    """Raises Refused unless the lists of tests say what the report does: cell id → verdict."""
    said = statement.predicate
    for listed, wanted in (
        (said.passed, ("PASSED",)),
        (said.warned, ("WARNED",)),
        (said.failed, ("FAILED", "ERROR", "MISSING", "STALE")),
    ):
        _refuse_difference(listed, [cell for cell, one in verdicts.items() if one in wanted])


def _refuse_difference(listed: Sequence[str], found: Sequence[str]) -> None:
    if sorted(listed) != sorted(found):
        raise Refused("the result and the report in it do not say the same about every cell")


def _inflate(packed: bytes) -> bytes:
    """Unpacked only as far as it may be large."""
    inflater = zlib.decompressobj(_GZIP)
    try:
        data = inflater.decompress(packed, REPORT_CAPS.size_bytes + 1)
    except zlib.error as error:
        raise Refused("the report in the result is damaged") from error
    if len(data) > REPORT_CAPS.size_bytes:
        raise Refused(f"the report is larger than {REPORT_CAPS.size_bytes // MEBIBYTE} MiB")
    if not inflater.eof or inflater.unused_data:
        raise Refused("the report in the result is cut short, or has something behind its end")
    refuse_swarms(data, REPORT_CAPS, what="the report")
    return data
