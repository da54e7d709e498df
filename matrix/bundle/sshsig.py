"""Signatures in OpenSSH's form, made and checked without its programs (PROTOCOL.sshsig).

``ssh-keygen -Y verify`` accepts what is made here and the other way round. SHA-1, DSA and RSA keys
below 2048 bits are refused; keys on hardware tokens (``sk-…``) are not read.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from matrix.bundle.wire import INT_BYTES, Reader, string
from matrix.core.errors import Refused

MAGIC = b"SSHSIG"
VERSION = 1
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
LINE_CHARACTERS = 70
#: No signature of a key we read is longer.
CAP_CHARACTERS = 8192
RSA_BITS_LEAST = 2048
HASHES = ("sha256", "sha512")
RSA_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {
    "rsa-sha2-256": hashes.SHA256,
    "rsa-sha2-512": hashes.SHA512,
}
#: Name of the curve in SSH → the hash it signs with (RFC 5656, section 6.2.1).
CURVE_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {
    "nistp256": hashes.SHA256,
    "nistp384": hashes.SHA384,
    "nistp521": hashes.SHA512,
}

PrivateKey = Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """What a signature holds, not checked against any message."""

    #: ``ssh-ed25519 AAAA…``: who says to have made it.
    key: str
    namespace: str
    hash_algorithm: str
    algorithm: str
    blob: bytes


def fingerprint(key: str) -> str:
    """``SHA256:…`` of a public key line, as ``ssh-keygen -l`` prints it."""
    digest = hashlib.sha256(_key_blob(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def sign(message: bytes | IO[bytes], key: PrivateKey, public: str, *, namespace: str) -> str:
    """An armored signature of *message*; *public* is the key's own public line."""
    prepared = _prepared(namespace, "sha512", _digest(message, "sha512"))
    algorithm, blob = _sign(key, prepared)
    body = (
        MAGIC
        + VERSION.to_bytes(INT_BYTES, "big")
        + string(_key_blob(public))
        + string(namespace.encode("ascii"))
        + string(b"")
        + string(b"sha512")
        + string(string(algorithm.encode("ascii")) + string(blob))
    )
    text = base64.b64encode(body).decode("ascii")
    lines = [text[at : at + LINE_CHARACTERS] for at in range(0, len(text), LINE_CHARACTERS)]
    return "\n".join([BEGIN, *lines, END, ""])


def read(armored: str) -> Signature:
    """The fields of an armored signature; raises Refused for anything that is not one."""
    found = re.fullmatch(rf"{BEGIN}\r?\n([A-Za-z0-9+/=\r\n]+){END}\s*", armored)
    if len(armored) > CAP_CHARACTERS or not found:
        raise Refused("this is no SSH signature")
    fields = Reader(_decoded(re.sub(r"\s", "", found[1])))
    if fields.take(len(MAGIC)) != MAGIC or fields.integer() != VERSION:
        raise Refused("this is no SSH signature of version 1")
    blob, namespace, _ = fields.string(), fields.text(), fields.string()
    hash_algorithm = fields.text()
    inner = Reader(fields.string())
    algorithm, signature = inner.text(), inner.string()
    inner.end()
    fields.end()
    return Signature(
        key=_key_line(blob),
        namespace=namespace,
        hash_algorithm=hash_algorithm,
        algorithm=algorithm,
        blob=signature,
    )


def check(signature: Signature, message: bytes | IO[bytes], *, namespace: str) -> None:
    """Raises Refused unless the key that *signature* names signed *message* for *namespace*."""
    if signature.namespace != namespace:
        raise Refused(f'signed as "{signature.namespace[:80]}", not as "{namespace}"')
    algorithm = signature.hash_algorithm
    if algorithm not in HASHES:
        raise Refused(f"hash {algorithm[:40]!r} is not accepted")
    prepared = _prepared(namespace, algorithm, _digest(message, algorithm))
    try:
        _verify(public_key(signature.key), signature, prepared)
    except InvalidSignature as error:
        raise Refused("the signature does not belong to this content") from error


def public_key(line: str) -> PublicKey:
    """The key of a public key line; raises Refused for kinds that are not accepted."""
    try:
        key = load_ssh_public_key(" ".join(line.split()[:2]).encode("ascii"))
    except (ValueError, UnsupportedAlgorithm, UnicodeEncodeError) as error:
        raise Refused(f"not a public key we accept: {line[:60]!r}") from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS_LEAST:
        raise Refused(f"an RSA key of {key.key_size} bits is too short")
    if not isinstance(key, PublicKey):
        raise Refused(f"keys of kind {line.split(maxsplit=1)[0][:40]} are not accepted")
    return key


def _digest(message: bytes | IO[bytes], algorithm: str) -> bytes:
    """Of a file that is open, without holding all of it."""
    if isinstance(message, bytes):
        return hashlib.new(algorithm, message).digest()
    return hashlib.file_digest(message, algorithm).digest()  # type: ignore[arg-type]


def _prepared(namespace: str, algorithm: str, digest: bytes) -> bytes:
    """What is really signed."""
    return (
        MAGIC
        + string(namespace.encode("ascii"))
        + string(b"")
        + string(algorithm.encode("ascii"))
        + string(digest)
    )


def _sign(key: PrivateKey, data: bytes) -> tuple[str, bytes]:
    if isinstance(key, Ed25519PrivateKey):
        return "ssh-ed25519", key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return "rsa-sha2-512", key.sign(data, padding.PKCS1v15(), hashes.SHA512())
    name = _curve_name(key.curve)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(CURVE_HASHES[name]())))
    return f"ecdsa-sha2-{name}", string(_mpint(r)) + string(_mpint(s))


def _verify(key: PublicKey, signature: Signature, data: bytes) -> None:
    if isinstance(key, Ed25519PublicKey):
        _expect(signature.algorithm == "ssh-ed25519", signature)
        key.verify(signature.blob, data)
    elif isinstance(key, rsa.RSAPublicKey):
        _expect(signature.algorithm in RSA_HASHES, signature)
        key.verify(signature.blob, data, padding.PKCS1v15(), RSA_HASHES[signature.algorithm]())
    else:
        name = _curve_name(key.curve)
        _expect(signature.algorithm == f"ecdsa-sha2-{name}", signature)
        numbers = Reader(signature.blob)
        r, s = numbers.string(), numbers.string()
        numbers.end()
        pair = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        key.verify(pair, data, ec.ECDSA(CURVE_HASHES[name]()))


def _expect(holds: bool, signature: Signature) -> None:
    if not holds:
        raise Refused(f"signature algorithm {signature.algorithm[:40]!r} is not accepted")


def _curve_name(curve: ec.EllipticCurve) -> str:
    name = curve.name.replace("secp", "nistp").removesuffix("r1")
    if name not in CURVE_HASHES:
        raise Refused(f"keys on curve {curve.name} are not accepted")
    return name


def _mpint(number: int) -> bytes:
    """Big-endian with a leading zero bit (RFC 4251, section 5)."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _key_blob(line: str) -> bytes:
    words = line.split()
    if len(words) < 2:  # noqa: PLR2004 - kind and key
        raise Refused(f"not a public key: {line[:60]!r}")
    return _decoded(words[1])


def _key_line(blob: bytes) -> str:
    kind = Reader(blob).text()
    if not re.fullmatch(r"[a-z0-9@.-]{1,64}", kind):
        raise Refused("the signature names a key of no known kind")
    return f"{kind} {base64.b64encode(blob).decode('ascii')}"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refused("not base64 where a signature or key should be") from error
