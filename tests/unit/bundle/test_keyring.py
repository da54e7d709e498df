"""Whose signatures count for a project."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from matrix.bundle import dsse
from matrix.bundle.keyring import Keyring, Revoked, read_revoked
from matrix.bundle.signers import Signer, Standing
from matrix.core.errors import ConfigError, Refused

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def new_line() -> str:
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


KEY, OTHER = new_line(), new_line()
ACME = Signer(principal="acme", key=KEY, namespaces=(dsse.NAMESPACE,))
REVOKED = Revoked(key=KEY, note="2026-11-22 lost")


def test_a_key_speaks_for_its_own_environment_only():
    ring = Keyring(signers=(ACME,), revoked=())
    assert ring.trusts(NOW)(KEY) == "acme"
    assert ring.trusts(NOW)(OTHER) is None
    assert ring.speaks_for(KEY, "acme", now=NOW)
    assert not ring.speaks_for(KEY, "bolt", now=NOW)
    assert not ring.speaks_for(OTHER, "acme", now=NOW)


def test_one_key_may_speak_for_several_environments():
    ring = Keyring(signers=(replace(ACME, principal="acme,acme-test"),), revoked=())
    assert all(ring.speaks_for(KEY, name, now=NOW) for name in ("acme", "acme-test"))


@pytest.mark.parametrize(
    "ring",
    [
        Keyring(signers=(ACME,), revoked=(REVOKED,)),
        Keyring(signers=(replace(ACME, not_after=NOW),), revoked=()),
        Keyring(signers=(replace(ACME, not_before=NOW + DAY),), revoked=()),
        Keyring(signers=(replace(ACME, namespaces=("file",)),), revoked=()),
    ],
    ids=["revoked", "expired", "not yet", "for something else"],
)
def test_a_key_that_does_not_count_speaks_for_nobody(ring):
    assert not ring.speaks_for(KEY, "acme", now=NOW)
    with pytest.raises(Refused):
        ring.trusts(NOW)(KEY)


def test_when_it_is_checked_decides_and_not_when_it_was_signed():
    ring = Keyring(signers=(replace(ACME, not_after=NOW + DAY),), revoked=())
    assert ring.trusts(NOW)(KEY) == "acme"
    with pytest.raises(Refused, match="counted until 2026-11-23"):
        ring.trusts(NOW + DAY)(KEY)


def test_that_a_key_is_revoked_goes_before_all_else():
    over = replace(ACME, not_after=NOW - DAY)
    assert Keyring(signers=(over,), revoked=()).standing(over, NOW) is Standing.EXPIRED
    assert Keyring(signers=(over,), revoked=(REVOKED,)).standing(over, NOW) is Standing.REVOKED


def test_what_stands_behind_a_revoked_key_is_kept():
    found = read_revoked(f"# head\n\n{KEY} 2026-11-22 a laptop was stolen\n{OTHER}\n", file="x")
    assert found == (
        Revoked(key=KEY, note="2026-11-22 a laptop was stolen"),
        Revoked(key=OTHER, note=""),
    )


@pytest.mark.parametrize("line", ["SHA256:abc", "ssh-ed25519", "ssh-ed25519 !!!", "SSHKRL\n\x00"])
def test_a_list_of_revoked_keys_that_is_not_understood_is_a_fault(line):
    with pytest.raises(ConfigError) as error:
        read_revoked(f"{KEY}\n{line}", file="keys/revoked")
    assert error.value.faults[0].line == 2
