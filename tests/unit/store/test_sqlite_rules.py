"""What is decided about SQLite before any file is touched."""

from pathlib import Path

import pytest

from matrix.store.blobs import Shelf
from matrix.store.database import SQLITE_FAULTS
from matrix.store.schema import INLINE_BYTES
from matrix.store.sqlite import path_of, wal_is_safe


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 6, 23), False),
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else str(value),
)
def test_a_write_ahead_log_is_only_for_versions_without_the_reset_bug(version, safe):
    assert wal_is_safe(version) is safe


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (".matrix/store.db", ".matrix/store.db"),
        ("/var/lib/matrix/store.db", "/var/lib/matrix/store.db"),
        ("sqlite:///.matrix/store.db", ".matrix/store.db"),
        ("sqlite:////var/lib/a%20b.db", "/var/lib/a b.db"),
        ("/var/a%20b.db", "/var/a%20b.db"),
    ],
)
def test_a_path_and_a_url_mean_the_same_file(url, path):
    assert path_of(url) == Path(path)


def test_a_short_text_stays_in_its_own_column():
    for text in ("", "a" * INLINE_BYTES, "€" * (INLINE_BYTES // 3)):
        assert Shelf().columns("output", text) == {"output": text, "output_blob": None}


def test_a_long_text_leaves_its_hash():
    for text in ("a" * (INLINE_BYTES + 1), "€" * (INLINE_BYTES // 3 + 1)):
        columns = Shelf().columns("output", text)
        assert columns["output"] is None
        assert len(columns["output_blob"]) == 64


def test_every_fault_of_sqlite_says_what_happened_and_what_to_do():
    for what, remedy in SQLITE_FAULTS.values():
        assert what
        assert remedy
