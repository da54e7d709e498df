"""Whose signatures count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from matrix.bundle.signers import Signer, find_signer, line_of, read_signers
from matrix.core.errors import ConfigError, Refused

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def new_line() -> str:
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


KEY, OTHER = new_line(), new_line()


def found(text: str, *, key: str = KEY, revoked: tuple[str, ...] = (), now: datetime = NOW):
    signers = read_signers(text, file="signers")
    return find_signer(signers, key, namespace="result@x", revoked=revoked, now=now)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"acme {KEY} a comment of theirs", "acme"),
        (f"# nothing\n\nother {OTHER}\nacme {KEY}", "acme"),
        (f'acme namespaces="file,result@*" {KEY}', "acme"),
        (f'acme valid-after="20261121" {KEY}', "acme"),
        (f'acme valid-before="20261122120000Z" {KEY}\nacme {KEY}', "acme"),
        (f'acme namespaces="result@x",valid-before="202611221201Z" {KEY}', "acme"),
        (f"other {OTHER}", None),
        ("", None),
    ],
)
def test_a_key_counts_as_its_line_says(line: str, name: str | None):
    assert found(line) == name


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f'acme namespaces="file" {KEY}', 'of acme may sign file, not "result@x"'),
        (f'acme valid-after="20261122120001Z" {KEY}', "counts from 2026-11-22 12:00 UTC on"),
        (f'acme valid-before="20261122120000Z" {KEY}', "counted until 2026-11-22 12:00 UTC"),
    ],
)
def test_a_known_key_that_does_not_count_is_refused_with_the_reason(line: str, says: str):
    with pytest.raises(Refused, match=says):
        found(line)


def test_no_other_spelling_of_a_revoked_key_slips_through():
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    # Two bits of the last character before "=" say nothing, so that four spellings mean one key.
    assert line.endswith("=")
    assert not line.endswith("==")
    other = f"{line[:-2]}{chr(ord(line[-2]) + 1)}="
    assert other != line
    with pytest.raises(Refused, match="is revoked"):
        found(f"acme {line}", key=line, revoked=(other,))
    assert found(f"acme {other}", key=line) == "acme"


def test_a_revoked_key_is_refused_whatever_the_file_says():
    with pytest.raises(Refused, match=r"SHA256:\S+ is revoked"):
        found(f"acme {KEY}", revoked=(OTHER, KEY))


@pytest.mark.parametrize(
    "line",
    [
        "acme",
        "acme ssh-ed25519",
        "acme ssh-ed25519 AAAA",
        f"acme cert-authority {KEY}",
        f'acme verify-required="yes" {KEY}',
        f"*,!acme {KEY}",
        f'"acme" {KEY}',
        f'acme valid-before="tomorrow" {KEY}',
        "acme ssh-dss AAAAB3NzaC1kc3M=",
    ],
)
def test_a_line_that_is_not_understood_is_a_fault_with_its_number(line: str):
    with pytest.raises(ConfigError) as error:
        read_signers(f"fine {OTHER}\n{line}", file="signers")
    (fault,) = error.value.faults
    assert (fault.file, fault.line) == ("signers", 2)


def test_a_line_that_is_written_reads_back_the_same():
    plain = Signer(principal="acme", key=KEY)
    whole = replace(
        plain, namespaces=("a", "b@c"), not_before=NOW - DAY, not_after=NOW.replace(microsecond=0)
    )
    assert read_signers(f"{line_of(plain)}\n{line_of(whole)}\n", file="x") == (plain, whole)
