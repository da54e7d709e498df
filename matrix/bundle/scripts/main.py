"""First part of a kit, run by whatever Python there is: unpack the runner and start it.

Only the standard library is used, and nothing newer than Python 3.6, so that an old one gets an
answer in words. The file was checked by its shell part, or is checked here when Python came first.
"""

import hashlib
import io
import os
import signal
import struct
import sys
import zipfile
import zlib
from typing import IO, List  # noqa: UP035 - see above

NOTHING_DONE, REFUSED, INTERRUPTED = 2, 6, 130
DIGEST_CHARACTERS = 64
CHUNK_BYTES = 1 << 20
#: Of one wheel as it is in the file, and when it is unpacked.
PACKED_CAP_BYTES, WHEEL_CAP_BYTES = 1 << 26, 1 << 30
FOLDER_OPTION = "--kit-folder"


class Hostile(Exception):
    """The file holds something that none of ours does."""


#: What Python says to an archive that is none, is damaged, or does something ours never do.
NO_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    Hostile,
)


def main(argv: List[str]) -> int:  # noqa: UP006 - see above
    """Start the runner, or the shell part when that has not run yet."""
    kit = os.path.dirname(os.path.abspath(__file__))
    if argv[1:2] == [FOLDER_OPTION]:
        return start(kit, argv[2], argv[3], argv[4:])
    if not is_whole(kit):
        sys.stderr.write("matrix: this file is damaged or was changed: ask for it again\n")
        return REFUSED
    return os.execvp("sh", ["sh", kit, *argv[1:]])  # noqa: S606, S607 - the shell of the system


def is_whole(kit: str) -> bool:
    """Whether the digest at the end of the file is that of what comes before it."""
    left = os.path.getsize(kit) - DIGEST_CHARACTERS
    found = hashlib.sha256()
    with open(kit, "rb") as file:
        while left > 0:
            piece = file.read(min(CHUNK_BYTES, left))
            if not piece:
                return False
            found.update(piece)
            left -= len(piece)
        return file.read().decode("ascii", "replace") == found.hexdigest()


def start(kit: str, folder: str, library: str, arguments: List[str]) -> int:  # noqa: UP006 - see above
    """Unpack the wheels for this Python into *library* and hand over to the runner."""
    # A shell that starts a program beside itself has it ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        unpack_wheels(kit, library)
    except OSError as error:
        sys.stderr.write(
            f"matrix: the runner cannot be unpacked into {library}: {error.strerror}\n"
        )
        return NOTHING_DONE
    except NO_ARCHIVE as error:
        sys.stderr.write(f"matrix: this file does not hold what the runner needs: {error}\n")
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    # The kit itself was first: Python puts what it runs there.
    sys.path[0] = library
    try:
        from matrix.cli.preflight import main as run  # noqa: PLC0415 - it was unpacked just now
    except (ImportError, SyntaxError, ValueError) as error:
        sys.stderr.write(f"matrix: the runner in this file cannot be started here: {error}\n")
        return NOTHING_DONE

    return run(kit, folder, arguments)


def unpack_wheels(kit: str, library: str) -> None:
    """Unpack all that the list for this Python names."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with zipfile.ZipFile(kit) as archive:
        for wheel in archive.read("wheels/" + version).decode("ascii").split():
            unpack(io.BytesIO(read_wheel(archive, "wheels/" + wheel)), library)


def read_wheel(archive: zipfile.ZipFile, name: str) -> bytes:
    """All of it: to go back and forth in a file inside an archive takes several times as long."""
    if archive.getinfo(name).file_size > PACKED_CAP_BYTES:
        raise Hostile("a file that is too large")
    return archive.read(name)


def unpack(packed: IO[bytes], library: str) -> None:
    """Unpack one wheel; raises Hostile for a name that leads out of the folder."""
    with zipfile.ZipFile(packed) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > WHEEL_CAP_BYTES:
            raise Hostile("a file that would become too large")
        for entry in archive.infolist():
            parts = entry.filename.split("/")
            if entry.filename.startswith("/") or ".." in parts or "\\" in entry.filename:
                raise Hostile("a name that leads out of its folder")
            if not entry.filename.endswith("/"):
                copy(archive, entry, os.path.join(library, *parts))


def copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: str) -> None:
    """One file out of the archive."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with archive.open(entry) as source, open(target, "wb") as out:
        piece = source.read(CHUNK_BYTES)
        while piece:
            out.write(piece)
            piece = source.read(CHUNK_BYTES)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
