"""Signatures made here are good for OpenSSH, and OpenSSH's are good here."""

import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from matrix.bundle import dsse, sshsig
from matrix.core.errors import Refused

KINDS = [("ed25519", ""), ("rsa", "3072"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521")]
MESSAGE = b"what was found\n" * 1000


def new_key(folder: Path, kind: str, bits: str = "") -> Path:
    file = folder / f"{kind}{bits}"
    size = ["-b", bits] if bits else []
    argv = ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "me", "-f", file]
    subprocess.run(argv, check=True, capture_output=True)
    return file


def line_of(file: Path) -> str:
    return " ".join(file.with_suffix(".pub").read_text().split()[:2])


def signed(file: Path, message: bytes = MESSAGE, *, namespace: str = "file") -> str:
    key = load_ssh_private_key(file.read_bytes(), password=None)
    assert isinstance(key, sshsig.PrivateKey)
    return sshsig.sign(message, key, line_of(file), namespace=namespace)


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_openssh_accepts_what_is_signed_here_and_nothing_else(tmp_path: Path, kind: str, bits: str):
    file = new_key(tmp_path, kind, bits)
    (tmp_path / "signers").write_text(f"me {line_of(file)}\n")
    (tmp_path / "sig").write_text(signed(file))
    verify = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "signers", "-I", "me"]
    verify += ["-n", "file", "-s", tmp_path / "sig"]
    good = subprocess.run(verify, input=MESSAGE, capture_output=True, check=False)
    assert good.returncode == 0, good.stderr
    assert sshsig.fingerprint(line_of(file)).encode() in good.stdout
    bad = subprocess.run(verify, input=MESSAGE + b"x", capture_output=True, check=False)
    assert bad.returncode != 0


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_what_openssh_signed_is_accepted_here_and_nothing_else(
    tmp_path: Path, kind: str, bits: str
):
    file = new_key(tmp_path, kind, bits)
    (tmp_path / "message").write_bytes(MESSAGE)
    argv = ["ssh-keygen", "-Y", "sign", "-f", file, "-n", "file", tmp_path / "message"]
    subprocess.run(argv, check=True, capture_output=True)
    signature = sshsig.read((tmp_path / "message.sig").read_text())
    assert signature.key == line_of(file)
    sshsig.check(signature, MESSAGE, namespace="file")
    with pytest.raises(Refused, match="does not belong"):
        sshsig.check(signature, MESSAGE + b"x", namespace="file")
    with pytest.raises(Refused, match='signed as "file"'):
        sshsig.check(signature, MESSAGE, namespace="other")


def test_a_short_key_is_refused(tmp_path: Path):
    file = new_key(tmp_path, "rsa", "1024")
    with pytest.raises(Refused, match="1024 bits is too short"):
        sshsig.check(sshsig.read(signed(file)), MESSAGE, namespace="file")


def test_no_flipped_bit_of_a_signature_goes_through(tmp_path: Path):
    file = new_key(tmp_path, "ed25519")
    armored = signed(file)
    whole = bytearray(armored.encode())
    for at in range(len(whole)):
        changed = bytes(whole[:at]) + bytes([whole[at] ^ 1]) + bytes(whole[at + 1 :])
        try:
            found = sshsig.read(changed.decode("latin-1"))
            sshsig.check(found, MESSAGE, namespace="file")
        except Refused:
            continue
        # The fields that say nothing are the line ends and the reserved one.
        assert re.sub(r"\s", "", changed.decode()) == re.sub(r"\s", "", armored), at


def test_an_envelope_goes_through_for_who_is_trusted_only(tmp_path: Path):
    file, other = new_key(tmp_path, "ed25519"), new_key(tmp_path, "ecdsa", "256")

    def signer(message: bytes) -> str:
        return signed(file, message, namespace=dsse.NAMESPACE)

    sealed = dsse.seal(b'{"a": 1}', dsse.STATEMENT_TYPE, signer=signer)
    names = {line_of(file): "acme"}
    opened = dsse.open_envelope(sealed, dsse.STATEMENT_TYPE, trusts=names.get)
    assert opened == (b'{"a": 1}', "acme", line_of(file))
    with pytest.raises(Refused, match="not an allowed signer"):
        dsse.open_envelope(sealed, dsse.STATEMENT_TYPE, trusts={line_of(other): "acme"}.get)
    with pytest.raises(Refused, match="signed as"):
        dsse.open_envelope(sealed, "application/json", trusts=names.get)


def test_an_envelope_with_one_byte_changed_is_refused_or_says_the_same(tmp_path: Path):
    file = new_key(tmp_path, "ed25519")

    def signer(message: bytes) -> str:
        return signed(file, message, namespace=dsse.NAMESPACE)

    sealed = dsse.seal(b'{"a": 1}', dsse.STATEMENT_TYPE, signer=signer)
    refused = 0
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        try:
            content, _, _ = dsse.open_envelope(
                changed, dsse.STATEMENT_TYPE, trusts={line_of(file): "acme"}.get
            )
        except Refused:
            refused += 1
        else:
            assert content == b'{"a": 1}'
    assert refused > len(sealed) * 0.8
