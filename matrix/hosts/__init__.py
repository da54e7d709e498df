"""Reach a machine: connections, the kept shell, the tether and the facts."""

import importlib
from pathlib import Path
from typing import cast

from matrix.core.errors import UsageError
from matrix.core.model import Host
from matrix.core.ports import Connection
from matrix.hosts.commands import shell_argv
from matrix.hosts.facts import gather
from matrix.hosts.processes import find_processes
from matrix.hosts.shell import KeptShell
from matrix.hosts.tether import Tether

__all__ = [
    "CONNECTIONS",
    "KeptShell",
    "Tether",
    "connect",
    "find_processes",
    "gather",
    "shell_argv",
]

#: Name in an inventory → a function or class called as (host, workspace=, engine=,
#: deadline_seconds=) that gives a Connection.
CONNECTIONS = {
    "local": "matrix.hosts.local:LocalConnection",
    "ssh": "matrix.hosts.ssh:SshConnection",
}


def connect(
    host: Host, *, workspace: Path, deadline_seconds: float = 15, engine: str = "docker"
) -> Connection:
    """Reach *host*, whose engine is *engine*; sockets of ours go into the folder *workspace*.

    *workspace* is made with mode 0700 when it is not there; its path must be short, since that of
    a unix socket holds 107 bytes. Raises UsageError for a connection nobody knows, and what the
    connection raises when the host cannot be used, within *deadline_seconds*.
    """
    if host.connection not in CONNECTIONS:
        known = ", ".join(sorted(CONNECTIONS))
        raise UsageError(f"{host.name}: unknown connection {host.connection!r} (known: {known})")
    workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    if workspace.stat().st_mode & 0o077:
        raise UsageError(f"{workspace}: others can look into it; chmod 700 it")
    module, _, name = CONNECTIONS[host.connection].partition(":")
    make = getattr(importlib.import_module(module), name)
    connection = make(host, workspace=workspace, engine=engine, deadline_seconds=deadline_seconds)
    return cast(Connection, connection)
