"""This machine: its engine, what that may grant, and which addresses are taken."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from docker import APIClient
from docker.errors import DockerException

from matrix.core.errors import EngineUnavailable

#: Capabilities in the order of their numbers, from linux/capability.h.
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip

_SOCKET = "unix:///var/run/docker.sock"


def engine_path() -> Path:
    """The socket of this machine's own engine.

    DOCKER_HOST counts when it names a socket here: a lab elsewhere would not be ours to reach.
    """
    named = os.environ.get("DOCKER_HOST", "")
    return Path((named if named.startswith("unix://") else _SOCKET).removeprefix("unix://"))


@contextmanager
def open_engine() -> Iterator[APIClient]:
    """This machine's own engine; raises EngineUnavailable when it does not answer."""
    url = f"unix://{engine_path()}"
    try:
        client = APIClient(base_url=url, version="auto", timeout=120)
    except DockerException as error:
        raise EngineUnavailable(
            f"the lab needs a Docker engine on this machine, and {url} does not answer ({error}): "
            "install docker.io and start it, or set DOCKER_HOST"
        ) from error
    try:
        yield client
    finally:
        client.close()


def withheld_capabilities(status: str) -> tuple[str, ...]:
    """Capabilities that no process here can have, from the text of /proc/self/status (proc(5)).

    A container engine of the same machine has the same bounds, and its older versions refuse a
    container that asks for all capabilities without dropping these by name.
    """
    line = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    bounds = int(line.split()[1], 16)
    return tuple(name for bit, name in enumerate(CAPABILITIES) if not bounds >> bit & 1)


def routes(table: str) -> tuple[tuple[str, IPv4Network], ...]:
    """Interface and destination of each route but the default, from /proc/net/route.

    Addresses there are hexadecimal in the byte order of the machine.
    """
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        destination, mask = (_address(field) for field in (fields[1], fields[7]))
        if int(mask):
            found.append((fields[0], IPv4Network(f"{destination}/{mask}")))
    return tuple(found)


def read_routes() -> tuple[tuple[str, IPv4Network], ...]:
    """The routes of this machine."""
    return routes(Path("/proc/net/route").read_text(encoding="ascii"))


def read_withheld_capabilities() -> tuple[str, ...]:
    """Capabilities that no process of this machine can have."""
    return withheld_capabilities(Path("/proc/self/status").read_text(encoding="ascii"))


def _address(text: str) -> IPv4Address:
    return IPv4Address(int(text, 16).to_bytes(4, sys.byteorder))
