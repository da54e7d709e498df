"""``matrix bundle verify`` over kits: refused unless all of it holds, and nothing is changed."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders.handmade_kits import FILES, a_manifest, write_by_hand

from matrix.bundle.keys import load_private_key, sign_file
from matrix.cli import execute

YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@dataclass(frozen=True)
class Verdict:
    """What the command came to."""

    code: int
    data: dict[str, object]

    def says(self, check: str) -> str:
        """What was found out about one thing."""
        return next(one["says"] for one in self.data["findings"] if one["check"] == check)

    @property
    def refused(self) -> list[str]:
        """What does not hold."""
        return [one["check"] for one in self.data["findings"] if one["holds"] is False]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that allows one key for files, which is beside it."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert execute(["init", "."]) == 0
    assert execute(["key", "new", "../key"]) == 0
    assert execute(["key", "allow", "ours", "../key.pub", "--signs", "files"]) == 0
    return folder


@pytest.fixture
def kit(tmp_path: Path, project: Path) -> Path:
    """A good one, signed with that key."""
    file = write_by_hand(tmp_path / "acme.matrix", a_manifest(FILES))
    return signed(file, tmp_path / "key")


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]):
    def run(*words: str | Path) -> Verdict:
        capsys.readouterr()
        code = execute(["bundle", "verify", *map(str, words), "--json"])
        return Verdict(code=code, data=json.loads(capsys.readouterr().out))

    return run


def signed(file: Path, key: Path) -> Path:
    sign_file(file, load_private_key(key, ask=lambda _: b""))
    return file


def snapshot(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_good_kit_holds_and_says_what_it_is_and_nothing_is_changed(tmp_path, kit, verify, capsys):
    before = snapshot(tmp_path)
    found = verify(kit)
    assert (found.code, found.data["verified"], found.refused) == (0, True, [])
    assert found.says("signature").startswith("signed by ours with SHA256:")
    assert found.says("contents") == "all 3 files in it are what the kit says"
    assert found.data["kit"]["customer"] == "acme"
    assert execute(["bundle", "verify", str(kit)]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [
        ["ok", "signature"],
        ["ok", "whole"],
        ["ok", "contents"],
        ["ok", "expiry"],
    ]
    assert "services: queue" in told.out
    assert told.err == f"{kit} is verified\n"
    assert snapshot(tmp_path) == before


def test_a_signature_of_openssh_holds_too(tmp_path, kit, verify):
    kit.with_name("acme.matrix.sig").unlink()
    argv = ["ssh-keygen", "-Y", "sign", "-f", tmp_path / "key", "-n", "file", kit]
    subprocess.run(argv, check=True, capture_output=True)
    assert verify(kit).code == 0


@pytest.mark.parametrize("at", [20, 400, -70, -1])
def test_a_kit_with_one_byte_changed_is_refused(kit, verify, at):
    whole = bytearray(kit.read_bytes())
    whole[at] ^= 1
    kit.write_bytes(whole)
    found = verify(kit)
    assert (found.code, found.data["verified"]) == (6, False)
    assert found.refused == ["signature", "whole"]


def test_a_kit_that_was_forged_with_care_is_refused_by_its_signature_alone(tmp_path, kit, verify):
    write_by_hand(kit, a_manifest(FILES, services=("queue", "more")))
    found = verify(kit)
    assert (found.code, found.refused) == (6, ["signature"])
    assert "does not belong to this content" in found.says("signature")


def test_an_unsigned_kit_is_refused(kit, verify):
    kit.with_name("acme.matrix.sig").unlink()
    found = verify(kit)
    assert (found.code, found.refused) == (6, ["signature"])
    assert "there is no acme.matrix.sig beside it" in found.says("signature")


def test_a_kit_that_is_over_is_refused(tmp_path, kit, verify):
    write_by_hand(kit, a_manifest(FILES, expires_at=YESTERDAY))
    found = verify(signed(kit, tmp_path / "key"))
    assert (found.code, found.refused) == (6, ["expiry"])
    assert f"was good until {YESTERDAY:%Y-%m-%d}" in found.says("expiry")


@pytest.mark.parametrize("name", list(FILES))
def test_a_signed_kit_that_holds_something_else_than_it_says_is_refused(
    tmp_path, kit, verify, name
):
    write_by_hand(kit, a_manifest(FILES), {**FILES, name: b"else"})
    found = verify(signed(kit, tmp_path / "key"))
    assert (found.code, found.refused) == (6, ["contents"])
    assert name in found.says("contents")


@pytest.mark.parametrize("files", [{}, {**FILES, "more": b""}], ids=["less", "more"])
def test_a_signed_kit_with_other_files_than_it_says_is_refused(tmp_path, kit, verify, files):
    write_by_hand(kit, a_manifest(FILES), files)
    found = verify(signed(kit, tmp_path / "key"))
    assert (found.code, found.refused) == (6, ["whole"])


@pytest.mark.parametrize("what", [b"", b"#!/bin/sh\nexit 0\n", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_kit_is_refused_in_words(tmp_path, project, verify, what):
    other = tmp_path / "other.matrix"
    other.write_bytes(what + hashlib.sha256(what).hexdigest().encode())
    found = verify(signed(other, tmp_path / "key"))
    assert (found.code, found.refused) == (6, ["whole"])
    assert found.data["kit"] is None


def test_a_key_that_may_sign_results_only_signs_no_kit(tmp_path, kit, verify):
    assert execute(["key", "new", "../customer"]) == 0
    assert execute(["key", "allow", "local", "../customer.pub"]) == 0
    found = verify(signed(kit, tmp_path / "customer"))
    assert (found.code, found.refused) == (6, ["signature"])
    assert 'not "file"' in found.says("signature")


def test_a_revoked_key_signs_nothing_any_more(kit, verify):
    assert execute(["key", "revoke", "ours", "--reason", "lost"]) == 0
    found = verify(kit)
    assert (found.code, found.refused) == (6, ["signature"])
    assert "is revoked" in found.says("signature")


def test_a_key_that_was_told_by_another_way_needs_no_project(
    tmp_path, kit, verify, monkeypatch, capsys
):
    assert execute(["key", "new", "../stranger"]) == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    found = verify(kit, "--signer", tmp_path / "key.pub")
    assert (found.code, found.says("signature")[:23]) == (0, "signed by key.pub with ")
    assert verify(kit, "--signer", tmp_path / "stranger.pub").refused == ["signature"]
    capsys.readouterr()
    assert execute(["bundle", "verify", str(kit)]) == 2
    assert "no matrix.toml" in capsys.readouterr().err
