"""What of a project's runs is still somewhere, asked without the product."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from builders.host_snapshot import GUARDED, OBJECTS, Snapshot, difference, look
from builders.rig import Rig, run


def ours_here(rig: Rig) -> list[str]:
    """What of a project's runs is on this machine: objects of its engine, and processes."""
    return objects_here(rig) + processes_of(rig)


def objects_here(rig: Rig) -> list[str]:
    """What of a project's runs is on this machine's engine."""
    found = []
    for identity in rig.runs():
        label = f"label=io.compat-matrix.run={identity}"
        for words in (("ps", "-a"), ("network", "ls"), ("volume", "ls")):
            found += run("docker", *words, "-q", "--filter", label).split()
    volumes = {row[0] for row in rig.query("select name from journal where kind = 'volume'")}
    found += sorted(volumes & set(run("docker", "volume", "ls", "-q").split()))
    return found


def processes_of(rig: Rig) -> list[str]:
    """Command lines of what the project's runners have started on this machine."""
    mark = f"TMPDIR={rig.temporary}".encode()
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environment.read_bytes().split(b"\0"):
                found.append(environment.with_name("cmdline").read_text().replace("\0", " "))
    return found


def remaining_objects(rig: Rig, before: dict[str, Snapshot]) -> list[str]:
    """What of ours is on the engines: a runner that has ended by itself has left none of it, while
    processes may take a moment to end."""
    remains = objects_here(rig)
    for host, then in before.items():
        remains += [f"{host}: {line}" for line in difference(then, look(host), OBJECTS)]
    return remains


def wait_until_as_before(before: dict[str, Snapshot]) -> None:
    """Wait until each lab host is again as it was: sessions take a moment to end."""
    for host, then in before.items():
        wait_until_nothing(lambda host=host, then=then: difference(then, look(host)), seconds=90)


def guarded_remains(rig: Rig, before: dict[str, Snapshot]) -> list[str]:
    """What of ours a guard should have removed, and has not yet."""
    remains = ours_here(rig)
    for host, then in before.items():
        remains += [f"{host}: {line}" for line in difference(then, look(host), GUARDED)]
    return remains


def wait_until_nothing(remains: Callable[[], list[str]], *, seconds: float) -> float:
    """Wait until *remains* is empty; returns after how many seconds it was."""
    began = time.monotonic()
    while found := remains():
        assert time.monotonic() - began < seconds, f"after {seconds} s there is still: {found}"
        time.sleep(0.3)
    return time.monotonic() - began
