"""What of a zip archive is looked at before any of it is believed: its size, names and places.

A kit's archive ends with a comment of a known length, so its directory is found without a search
(APPNOTE.TXT, sections 4.3.14 to 4.3.16).
"""

import stat
import struct
import zipfile
from collections.abc import Sequence
from typing import IO, Any

from matrix.core.errors import Refused

#: Files in a kit at most.
MEMBERS_MOST = 10_000
#: Bytes of the list of members at most: Python reads it as a whole.
DIRECTORY_CAP_BYTES = 4 * 1024 * 1024
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_LOCAL_BYTES = 30
#: Stands for a number that is in the longer record.
_LONG = 0xFFFFFFFF


def check_directory(file: IO[bytes], *, comment_bytes: int) -> None:
    """Raises Refused when the list of members is not at the archive's end, or too large to read."""
    end = _read(file, _END, file.seek(0, 2) - comment_bytes - _END.size)
    if end[0] != b"PK\x05\x06" or end[-1] != comment_bytes:
        raise Refused("the kit does not end as an archive")
    size = end[5]
    if _LONG in end[5:7] or end[4] == 0xFFFF:  # noqa: PLR2004 - all bits of a short number
        locator = _read(file, _LOCATOR, file.seek(0, 2) - comment_bytes - _END.size - _LOCATOR.size)
        size = max(size if size != _LONG else 0, _read(file, _END_64, locator[2])[8])
    if size > DIRECTORY_CAP_BYTES:
        raise Refused("the kit holds too many files")


def check_members(entries: Sequence[zipfile.ZipInfo], *, directory_at: int) -> None:
    """Raises Refused for members that ours never are: compressed, twice, links, over each other."""
    names = [entry.filename for entry in entries]
    if len(names) > MEMBERS_MOST or len({name.casefold() for name in names}) != len(names):
        raise Refused("the kit holds too many files, or one twice")
    for entry in entries:
        _check_member(entry)
    at = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset < at:
            raise Refused("the kit holds files that lie over each other")
        at = entry.header_offset + _LOCAL_BYTES + len(entry.filename) + entry.file_size
    if at > directory_at:
        raise Refused("the kit holds a file that is longer than its place")


def check_name(name: str) -> None:
    """Raises Refused for a name that is not one of a file below the folder it is put into."""
    parts = name.split("/")
    plain = name.isprintable() and "\\" not in name and ":" not in parts[0]
    if not plain or any(part in ("", ".", "..") for part in parts):
        raise Refused(f"the kit holds a file that leads out of its folder: {name[:80]!r}")


def _check_member(entry: zipfile.ZipInfo) -> None:
    check_name(entry.filename)
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise Refused("the kit holds a compressed file, which ours never do")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.flag_bits & 1:
        raise Refused(f"the kit holds something else than a file: {entry.filename[:80]!r}")


def _read(
    file: IO[bytes], record: struct.Struct, at: int
) -> tuple[Any, ...]:  # Any: numbers and a mark
    if at < 0:
        raise Refused("the kit is too short for an archive")
    file.seek(at)
    data = file.read(record.size)
    if len(data) != record.size:
        raise Refused("the kit does not end as an archive")
    return record.unpack(data)
