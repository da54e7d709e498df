"""An envelope around signed content (DSSE 1.0: https://github.com/secure-systems-lab/dsse).

What is signed is the pre-authentication encoding of type and content together, so that content of
one type can never pass for another. A signature is OpenSSH's, see ``bundle.sshsig``. The key is
taken from the signature itself and looked up among those that are trusted; ``keyid`` is a hint
for people and never used.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass

from matrix.bundle import sshsig
from matrix.core.errors import Refused

#: What the signature is for, so that one made for something else is never taken for ours.
NAMESPACE = "result@compat-matrix"
STATEMENT_TYPE = "application/vnd.in-toto+json"
SIGNATURES_MOST = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """Content with its signatures, nothing of it checked."""

    payload_type: str
    payload: bytes
    signatures: tuple[sshsig.Signature, ...]


def encode(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: what is signed."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, payload_type: str, *, signer: Callable[[bytes], str]) -> bytes:
    """An envelope as JSON; *signer* gives an armored signature of bytes for NAMESPACE."""
    armored = signer(encode(payload_type, payload))
    key = sshsig.read(armored).key
    signature = {
        "keyid": sshsig.fingerprint(key),
        "sig": base64.b64encode(armored.encode("ascii")).decode("ascii"),
    }
    document = {
        "payloadType": payload_type,
        "payload": base64.b64encode(payload).decode("ascii"),
        "signatures": [signature],
    }
    return json.dumps(document).encode("ascii")


def read(data: bytes) -> Envelope:
    """The parts of an envelope; raises Refused for anything that is not one. Trusts nothing."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused("this is no envelope: not JSON") from error
    fields = document if isinstance(document, dict) else {}
    kind, payload, signatures = (
        fields.get(name) for name in ("payloadType", "payload", "signatures")
    )
    if not (isinstance(kind, str) and isinstance(payload, str) and isinstance(signatures, list)):
        raise Refused("this is no envelope: payloadType, payload and signatures are needed")
    if not 0 < len(signatures) <= SIGNATURES_MOST:
        raise Refused(f"an envelope needs 1 to {SIGNATURES_MOST} signatures")
    return Envelope(
        payload_type=kind,
        payload=_decoded(payload),
        signatures=tuple(_signature(one) for one in signatures),
    )


def open_envelope(
    data: bytes, payload_type: str, *, trusts: Callable[[str], str | None]
) -> tuple[bytes, str, str]:
    """The content, who signed it and with which key; raises Refused.

    *trusts* gives the name of whom a public key line belongs to, None for a key not trusted, and
    raises Refused for one that is known and does not count; then another signature still may.
    """
    envelope = read(data)
    if envelope.payload_type != payload_type:
        raise Refused(f"signed as {envelope.payload_type[:80]!r}, not as {payload_type!r}")
    message = encode(envelope.payload_type, envelope.payload)
    refusals = []
    for signature in envelope.signatures:
        try:
            signer = trusts(signature.key)
        except Refused as error:
            refusals.append(str(error))
            continue
        if signer is None:
            key = sshsig.fingerprint(signature.key)
            refusals.append(f"signed by {key}, which is not an allowed signer")
            continue
        sshsig.check(signature, message, namespace=NAMESPACE)
        return envelope.payload, signer, signature.key
    raise Refused("; ".join(refusals))


def _signature(document: object) -> sshsig.Signature:
    sig = document.get("sig") if isinstance(document, dict) else None
    if not isinstance(sig, str):
        raise Refused("a signature without sig")
    try:
        return sshsig.read(_decoded(sig).decode("ascii"))
    except UnicodeDecodeError as error:
        raise Refused("this is no SSH signature") from error


def _decoded(text: str) -> bytes:
    """Both alphabets of base64 are allowed by DSSE."""
    try:
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("not base64 where the envelope needs it") from error
