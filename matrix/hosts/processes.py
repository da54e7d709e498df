"""Find what still runs on a machine for a run of ours, by the marker in its environment."""

import re
import secrets
import shlex

from matrix.core.errors import HostError
from matrix.core.ports import STDOUT, Connection
from matrix.hosts.deadline import Deadline
from matrix.hosts.scripts import script

#: Seconds the search may take.
SEARCH_SECONDS = 30.0
#: Bytes the search may find.
CAP_BYTES = 1024 * 1024
#: What a run id may hold: it becomes part of a regular expression.
_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FOUND = re.compile(r"(\d{1,10}) (.{0,300})")


def find_processes(connection: Connection, run: str, *, remove: bool) -> tuple[str, ...]:
    """Processes of *run* on the machine, each as ``<pid> <command line>``; with *remove* ended.

    Those are ours that have MATRIX_RUN or MATRIX_TETHER in their environment, with the run's id or
    an id made from it (``<run>.…``) as value. Another account's processes are seen by root only.
    Raises HostError, DeadlineExceeded and what the connection raises.
    """
    if not _RUN.fullmatch(run):
        raise HostError(f"{run!r} is no id of a run")
    done = secrets.token_hex(16)
    settings = {"run": run, "verb": "end" if remove else "list", "done": done}
    lines = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
    text = "\n".join([*lines, script("marked", "processes"), "exit", ""])
    deadline = Deadline.after(SEARCH_SECONDS, what="search for processes of ours")
    stream = connection.open_stream(["sh"])
    said = b""
    try:
        stream.send(text.encode())
        while done.encode() not in said:
            chunk = stream.receive(deadline_seconds=deadline.remaining())
            if chunk is None:
                raise HostError("the search for processes of ours ended early")
            if chunk.source == STDOUT:
                said += chunk.data
            if len(said) > CAP_BYTES:
                raise HostError("the search for processes of ours found no end")
    finally:
        stream.close()
    words = said.decode("utf-8", "backslashreplace").split("\n")
    return tuple(line for line in words if _FOUND.fullmatch(line) and line.isprintable())
