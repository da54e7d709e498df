"""A grid of 63 cells for which nothing changed: how long `matrix run --incremental` takes.

Seven services in nine environments, all of them on this machine's engine, measured once for real.
The audit is switched off: what it measures again is a matter of luck, and takes what a cell takes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measuring import timed

SERVICES, ENVIRONMENTS = 7, 9
TITLE = "A warm grid of 63 cells, nothing changed (`matrix run --incremental`, no audit)"
NAME = "whole command"
#: Seconds.
GOALS = {NAME: 5.0}

_SERVICE = """
[services.hello-{number}]
image = "hello"
probes = ["../probes/hello"]
ports = {{ http = 8080 }}
readiness = {{ command = "wget -q -O /dev/null http://127.0.0.1:8080/" }}
"""
_ENVIRONMENT = """
[environments.place-{number}]
kind = "qa"
engine = "docker"
[[environments.place-{number}.hosts]]
name = "local"
connection = "local"
"""


def warm_grid(rounds: int) -> dict[str, list[float]]:
    """Seconds of the whole command, from its start to its end, with the grid on stdout."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_project(folder)
        _matrix(folder, "run", "--fresh")
        again = [timed(lambda: _matrix(folder, "run", "--incremental")) for _ in range(rounds)]
        return {NAME: [seconds for (seconds,) in again]}


def _write_project(folder: Path) -> None:
    _matrix(folder, "init", ".")
    (folder / "policy.toml").write_text("audit = 0.0\n", encoding="utf-8")
    with (folder / "images/catalogue.toml").open("a", encoding="utf-8") as catalogue:
        catalogue.writelines(_SERVICE.format(number=at) for at in range(1, SERVICES))
    with (folder / "inventories/local.toml").open("a", encoding="utf-8") as inventory:
        inventory.writelines(_ENVIRONMENT.format(number=at) for at in range(1, ENVIRONMENTS))


def _matrix(folder: Path, *words: str) -> None:
    """Run it; every cell has to be green."""
    command = [str(Path(sys.executable).with_name("matrix")), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
