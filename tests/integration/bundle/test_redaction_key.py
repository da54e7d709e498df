"""The secret by which names become tokens stays with the customer, and stays the same."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matrix.bundle.redaction_key import default_place, load_or_make_key, passing_key
from matrix.core.errors import UsageError


def test_it_is_made_once_for_its_owner_only(tmp_path: Path):
    file = tmp_path / "state" / "compat-matrix" / "redaction.key"
    key = load_or_make_key(file)
    assert len(key) == 32
    assert load_or_make_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_two_that_make_it_at_once_have_the_same(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_or_make_key(tmp_path / "key"), range(32)))
    assert len(keys) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_one_that_others_may_read_is_not_used(tmp_path: Path, mode: int):
    file = tmp_path / "key"
    load_or_make_key(file)
    file.chmod(mode)
    with pytest.raises(UsageError, match="others may read this key: chmod 600"):
        load_or_make_key(file)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"ab" * 31, b"\xff" * 64, b"ab" * 64])
def test_what_is_no_key_is_not_used(tmp_path: Path, content: bytes):
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(UsageError, match="remove it, and a new one is made"):
        load_or_make_key(file)


def test_a_place_where_none_can_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="name another file with --redaction-key"):
        load_or_make_key(tmp_path / "file" / "key")


def test_its_usual_place_is_among_the_accounts_state(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_place() == tmp_path / "compat-matrix" / "redaction.key"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", os.sep)
    assert default_place() == Path("/.local/state/compat-matrix/redaction.key")


def test_a_passing_one_is_another_each_time():
    assert passing_key() != passing_key()
