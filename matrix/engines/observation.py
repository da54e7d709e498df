"""Looking at a container of a Docker or Podman engine without changing it."""

import base64
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from matrix.core.errors import EngineError, EngineLost, FileUnavailable, OutputTruncated
from matrix.core.pieces import PieceReader
from matrix.core.result import Json
from matrix.engines.api import Api, quoted
from matrix.engines.faults import translated
from matrix.engines.frames import Frames
from matrix.engines.state import counters

#: What an archive of one file may hold beside the file: headers, extended headers, padding.
ARCHIVE_ROOM_BYTES = 256 * 1024
#: Where the Engine API describes what it is about to archive.
STAT_HEADER = "X-Docker-Container-Path-Stat"
#: ``os.ModeSymlink`` of Go.
GO_MODE_SYMLINK = 1 << 27


class ObservationVerbs:
    """``ports.Observation`` but inspecting."""

    _api: Api

    def logs(self, container: str, *, tail: int, cap_bytes: int) -> bytes:
        """The last *tail* lines of both outputs together; of a longer text its end."""
        kept, frames = bytearray(), Frames()
        path = f"containers/{quoted(container)}/logs"
        with (
            translated(f"reading the log of {container}"),
            self._api.read(path, seconds=self._api.seconds, stdout=1, stderr=1, tail=tail) as body,
        ):
            for piece in body.pieces:
                frames.feed(piece)
                while chunk := frames.take():
                    kept += chunk.data
                del kept[: max(0, len(kept) - cap_bytes)]
            frames.check_end()
        return bytes(kept)

    def stats(self, container: str) -> Mapping[str, Json]:
        """One reading of the engine's counters, without waiting for a second one.

        Docker 20.10 answers when it next reads them itself, which it does once a second.
        """
        parameters = {"stream": "false", "one-shot": "true"}
        with translated(f"reading the counters of {container}"):
            return counters(self._api.ask(f"containers/{quoted(container)}/stats", **parameters))

    def copy_out(self, container: str, path: str, *, cap_bytes: int) -> bytes:
        """Content of one regular file, read from the archive stream and never unpacked.

        Raises FileUnavailable for what is absent or no regular file, links among it, and
        OutputTruncated for a file longer than *cap_bytes*.
        """
        what = f"copying {path} out of {container}"
        with (
            translated(what, otherwise=FileUnavailable),
            self._api.read(
                f"containers/{quoted(container)}/archive", seconds=self._api.seconds, path=path
            ) as body,
        ):
            refuse_link(body.headers.get(STAT_HEADER, ""), path)
            return first_file(reader(body.pieces, cap_bytes + ARCHIVE_ROOM_BYTES), path, cap_bytes)


def refuse_link(header: str, path: str) -> None:
    """Raises FileUnavailable when the engine's *header* says that *path* is a symbolic link.

    The header is base64 of JSON, ``mode`` in it Go's ``os.FileMode``. Docker archives the link,
    Podman what it points to; here neither is followed.
    """
    try:
        stat = json.loads(base64.b64decode(header, validate=True)) if header else {}
    except ValueError as error:
        raise EngineError(f"{path}: the engine's description of it makes no sense") from error
    mode = stat.get("mode") if isinstance(stat, dict) else None
    if isinstance(mode, int) and mode & GO_MODE_SYMLINK:
        raise FileUnavailable(
            f"{path} is a link to {stat.get('linkTarget', '?')}: only a regular file is copied"
        )


def reader(pieces: Iterable[bytes], cap_bytes: int) -> PieceReader:
    """*pieces* as a file; raises OutputTruncated when more than *cap_bytes* of them come."""
    return PieceReader(_up_to(pieces, cap_bytes))


def _up_to(pieces: Iterable[bytes], cap_bytes: int) -> Iterator[bytes]:
    left = cap_bytes
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise OutputTruncated("the archive is longer than the file in it may be")
        yield piece


def first_file(stream: PieceReader, path: str, cap_bytes: int) -> bytes:
    """The first member of a tar *stream*, which must be a regular file."""
    try:
        # The stream mode reads what is asked and no more; nothing is ever extracted.
        with tarfile.open(fileobj=cast("tarfile._Fileobj", stream), mode="r|") as archive:
            member = archive.next()
            if member is None or not member.isreg():
                raise FileUnavailable(f"{path} {_nature(member)}: only a regular file is copied")
            if member.size > cap_bytes:
                raise OutputTruncated(f"{path} has {member.size} bytes, the cap is {cap_bytes}")
            content = archive.extractfile(member)
            data = content.read() if content else b""
    except tarfile.TarError as error:
        raise EngineLost(f"the archive with {path} is broken: {error}") from error
    if len(data) != member.size:
        raise EngineLost(f"the archive with {path} ends before the file does")
    return data


def _nature(member: tarfile.TarInfo | None) -> str:
    if member is None:
        return "is nothing"
    if member.issym() or member.islnk():
        return f"is a link to {member.linkname}"
    return "is a directory" if member.isdir() else "is a device, pipe or socket"
