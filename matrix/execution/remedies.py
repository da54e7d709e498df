"""What an administrator is told to do about something of ours that is left. Pure."""

from matrix.core.errors import LeftoverError, MatrixError
from matrix.core.model import Host

#: To be typed where the runner is: looks again, and removes what it can.
SWEEP = "matrix sweep"


def remedy_of(error: MatrixError, host: Host) -> str:
    """One command to be pasted into a shell: on *host* where the engine refused, else here."""
    if isinstance(error, LeftoverError) and error.remedy:
        return f"sudo {error.remedy}" if host.engine_sudo else error.remedy
    return SWEEP
