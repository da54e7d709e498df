"""An image's archive without the layers that its target has already."""

import hashlib
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, cast

from matrix.core.errors import DeliveryFailed
from matrix.core.pieces import PieceReader

PIECE_BYTES = 1024 * 1024
#: Files up to this size are held in memory until their digest is known, larger ones on disk.
HELD_BYTES = 8 * 1024 * 1024


class Remaining:
    """A ``docker save`` archive as it comes, but for the files that hold one of *known*.

    A layer is known by its digest (``sha256:…`` of its tar), for what it is called in an archive
    differs between engines. So a file is held back until it has been read, and the disk for
    temporary files needs room for the largest layer. Raises DeliveryFailed where there is none,
    for what is no archive, and whatever *archive* raises.
    """

    def __init__(self, archive: Iterable[bytes], *, known: frozenset[str]) -> None:
        self._archive = archive
        self._known = known
        #: Bytes of the archive that were not passed on, up to now.
        self.left_out_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        if not self._known:
            yield from self._archive
            return
        try:
            stream = cast("tarfile._Fileobj", PieceReader(self._archive))
            with tarfile.open(fileobj=stream, mode="r|") as members:
                for member in members:
                    content = members.extractfile(member) if member.isreg() else None
                    yield from self._passed_on(member, content)
        except (tarfile.TarError, OSError) as error:
            raise DeliveryFailed(f"leaving known layers out of an archive: {error}") from error
        yield bytes(2 * tarfile.BLOCKSIZE)

    def _passed_on(self, member: tarfile.TarInfo, content: IO[bytes] | None) -> Iterator[bytes]:
        if content is None:
            yield member.tobuf(tarfile.GNU_FORMAT)
            return
        with tempfile.SpooledTemporaryFile(max_size=HELD_BYTES) as held:
            if _held(content, held) in self._known:
                self.left_out_bytes += member.size
                return
            held.seek(0)
            yield member.tobuf(tarfile.GNU_FORMAT)
            yield from iter(lambda: held.read(PIECE_BYTES), b"")
            yield bytes(-member.size % tarfile.BLOCKSIZE)


def _held(content: IO[bytes], file: IO[bytes]) -> str:
    """Put *content* into *file*; returns its digest."""
    found = hashlib.sha256()
    while piece := content.read(PIECE_BYTES):
        found.update(piece)
        file.write(piece)
    return f"sha256:{found.hexdigest()}"
