"""Names and labels of every object we make on a host.

Names are deterministic, ``mx-<run>-<service>-<environment>-<attempt>[-<part>]``, so that an object
whose creation was never answered is found again by its name. The label says whose it is.
"""

import hashlib
from collections.abc import Mapping

from matrix.core.model import CellId

#: Every label key starts with this.
PREFIX = "io.compat-matrix"
LABEL_RUN = f"{PREFIX}.run"
LABEL_CELL = f"{PREFIX}.cell"
LABEL_KIND = f"{PREFIX}.kind"
#: Which tether removes it: one for each time a run opened a host.
LABEL_TETHER = f"{PREFIX}.tether"

#: In the environment of every process of ours on a host, so that it can be told from others.
MARKER = "MATRIX_RUN"
#: In the environment of the service's container: the nonce of the two controls.
NONCE = "MATRIX_NONCE"

#: The engines take up to 63 characters where a name is also a host name.
MAX_LENGTH = 63


def object_name(run: str, cell: CellId, attempt: int, part: str = "") -> str:
    """The name of one object of one attempt; *part* is a companion, "net" or "" for the service."""
    words = ["mx", run, cell.service, cell.environment, str(attempt), *([part] if part else [])]
    name = "-".join(words)
    if len(name) <= MAX_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{name[: MAX_LENGTH - 11]}-{digest}"


def object_labels(run: str, tether: str, cell: CellId | None, kind: str) -> Mapping[str, str]:
    """The labels of one object."""
    labels = {LABEL_RUN: run, LABEL_TETHER: tether, LABEL_KIND: kind}
    return labels if cell is None else labels | {LABEL_CELL: str(cell)}


def run_label(run: str) -> str:
    """The label filter that finds everything of one run."""
    return f"{LABEL_RUN}={run}"
