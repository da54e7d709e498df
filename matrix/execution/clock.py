"""A wrong clock: libfaketime, carried into a container by the line that starts it.

The library is that of Debian's package ``libfaketime`` on the machine of the runner. It travels as
text in a variable, since nothing is ever copied into a container, and is unpacked to a small tmpfs
before the container's own start, by programs that every Debian has (``base64``, ``gzip``). With an
older C library than this machine's no program would start, so the library is emptied again: the
loader says in the log that it ignores it, the clock stays right, and the saboteur proves nothing.
"""

import base64
import gzip
from dataclasses import replace
from pathlib import Path

from matrix.core.errors import ToolMissing
from matrix.core.ports import ContainerSpec

#: Where Debian has the library, in the variant for programs with threads.
FOLDER_OF_LIBRARIES = Path("/usr/lib")
LIBRARIES = "*/faketime/libfaketimeMT.so.1"
#: Where it is in the container, and the variable in which it comes.
MOUNT = "/run/matrix-clock"
LIBRARY = f"{MOUNT}/libfaketime.so"
CARRIED = "MATRIX_CLOCK"
#: Begins the line that starts the container. What cannot be loaded is emptied by the shell itself,
#: which runs already.
UNPACK = (
    f'printf %s "${CARRIED}" | base64 -d | gzip -d > {LIBRARY}; unset {CARRIED}; '
    f"date > /dev/null 2>&1 || : > {LIBRARY}; "
)


def read_library(folder: Path) -> bytes:
    """libfaketime from below *folder*; raises ToolMissing where it is not installed."""
    for found in sorted(folder.glob(LIBRARIES)):
        return found.read_bytes()
    raise ToolMissing("libfaketime is not on this machine: install the package of that name")


def with_wrong_clock(spec: ContainerSpec, shift: str, library: bytes) -> ContainerSpec:
    """*spec*, whose start must begin with UNPACK, off by *shift* in libfaketime's words: ``+3d``.

    Every process has it, also those that are run in the container later; what counts seconds
    without a date goes on as it should (``FAKETIME_DONT_FAKE_MONOTONIC``, faketime(1)).
    """
    environment = {
        **spec.extra_environment,
        CARRIED: base64.b64encode(gzip.compress(library, mtime=0)).decode("ascii"),
        "LD_PRELOAD": LIBRARY,
        "FAKETIME": shift,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DISABLE_SHM": "1",
    }
    tmpfs = {**spec.settings.tmpfs, MOUNT: "exec,mode=1777,size=1m"}
    settings = replace(spec.settings, tmpfs=tmpfs)
    return replace(spec, settings=settings, extra_environment=environment)
