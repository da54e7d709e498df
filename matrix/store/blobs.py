"""Long texts, kept once each: named by the hash of their content, compressed by zlib.

A text of at most INLINE_BYTES stays in its own column; a longer one goes to ``blobs`` and leaves
its hash in the column beside. The same log or package list of a hundred runs takes the room of one.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from sqlalchemy import Connection, insert, select

from matrix.core.errors import StoreError
from matrix.store.schema import BLOBS, INLINE_BYTES

#: Hashes asked for in one statement; SQLite takes 32766 parameters, older ones 999.
BATCH = 500
#: Half the time of zlib's default for a few per cent of size.
LEVEL = 3


class Shelf:
    """Takes the texts of the rows being made, then puts the long ones away in one go."""

    def __init__(self) -> None:
        self._pending: dict[str, bytes] = {}

    def columns(self, name: str, text: str) -> dict[str, str | None]:
        """The values of the two columns of *text*."""
        # Four bytes is the most a character takes, so most texts need no second look.
        if len(text) * 4 <= INLINE_BYTES:
            return {name: text, f"{name}_blob": None}
        data = text.encode()
        if len(data) <= INLINE_BYTES:
            return {name: text, f"{name}_blob": None}
        digest = hashlib.sha256(data).hexdigest()
        self._pending[digest] = data
        return {name: None, f"{name}_blob": digest}

    def put_away(self, connection: Connection) -> None:
        """Insert the long texts the store does not have yet."""
        known: set[str] = set()
        for batch in batches(self._pending):
            known.update(
                connection.scalars(select(BLOBS.c.sha256).where(BLOBS.c.sha256.in_(batch)))
            )
        rows = [
            {"sha256": digest, "size_bytes": len(data), "content": zlib.compress(data, LEVEL)}
            for digest, data in self._pending.items()
            if digest not in known
        ]
        if rows:
            connection.execute(insert(BLOBS), rows)
        self._pending.clear()


class Texts:
    """Long texts read back; ``of`` takes the two columns of a text and gives the text."""

    def __init__(self, by_digest: Mapping[str, str]) -> None:
        self._by_digest = by_digest

    def of(self, text: str | None, digest: str | None) -> str:
        """The text; raises StoreError when its blob is gone."""
        if digest is None:
            return text or ""
        try:
            return self._by_digest[digest]
        except KeyError:
            message = f"the store has lost the text {digest[:12]}…: restore it from a backup"
            raise StoreError(message) from None


def fetch_texts(connection: Connection, digests: Iterable[str | None]) -> Texts:
    """Read the blobs of *digests*; raises StoreError for one that is not what its name says."""
    found: dict[str, str] = {}
    for batch in batches({digest for digest in digests if digest is not None}):
        for row in connection.execute(select(BLOBS).where(BLOBS.c.sha256.in_(batch))):
            found[row.sha256] = _unpack(row.sha256, row.size_bytes, row.content)
    return Texts(found)


def _unpack(digest: str, size_bytes: int, content: bytes) -> str:
    try:
        # The size is known, so a broken stream cannot fill the memory.
        data = zlib.decompressobj().decompress(content, size_bytes + 1)
    except zlib.error as error:
        message = f"the store's text {digest[:12]}… is damaged ({error}): restore it from a backup"
        raise StoreError(message) from error
    if hashlib.sha256(data).hexdigest() != digest:
        message = f"the store's text {digest[:12]}… is not what it was: restore it from a backup"
        raise StoreError(message)
    return data.decode()


def batches(digests: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """*digests* in order, at most BATCH at a time."""
    rest = iter(digests)
    while batch := tuple(islice(rest, BATCH)):
        yield batch
