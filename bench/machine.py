"""What the numbers were measured on."""

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

PACKAGES = ("pytest", "pytest-testinfra", "pytest-xdist", "docker", "paramiko")


def describe(root: Path, engines: dict[str, str]) -> dict[str, object]:
    """The machine, the programs and the commit; *engines* are those of the environments."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(root),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "docker_command": _said("docker", "version", "--format", "{{.Client.Version}}"),
        "ssh_command": _said("ssh", "-V"),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "engines": engines,
    }


def load() -> list[float]:
    """Processes that want to run, on average over 1, 5 and 15 minutes."""
    return [round(one, 2) for one in os.getloadavg()]


def commit(root: Path) -> str:
    """The commit, marked when tracked files of the product differ from it."""
    head = _said("git", "-C", str(root), "rev-parse", "--short=12", "HEAD")
    changed = _said("git", "-C", str(root), "status", "--short", "-uno", "matrix", "bench")
    return f"{head} and changes that are not committed" if changed else head


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _said(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return (done.stdout or done.stderr).strip()
