"""Measure `make demo-full` step by step: seconds, disk and memory.

``python bench/demo_full.py`` runs the same commands as the Makefile's target and writes
bench/demo-full.json: for each step its seconds, the most memory that lab hosts and the runner's
machine took meanwhile, and what the disk lost. Run it twice for cold and warm: what is there
already is not built again, and the file says what it began with.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
MATRIX = str(Path(sys.executable).with_name("matrix"))
KEPT = Path(__file__).parent / "demo-full.json"
#: Name of a step → its command, as in the Makefile.
STEPS = {
    "images": (MATRIX, "image", "build"),
    "lab": (MATRIX, "lab", "up", "--no-seed"),
    "seeding": (MATRIX, "lab", "up"),
    "grid": (MATRIX, "run", "--expected", "inventories/lab.expected.toml"),
}
LOOK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one step took."""

    name: str
    seconds: float
    exit_status: int
    #: Bytes less on the disk afterwards.
    disk_bytes: int
    #: The most memory in use on the whole machine, above what was in use before all steps.
    memory_bytes: int


def main() -> int:
    """Measure every step, then write the file; 1 when the grid was not as expected."""
    before = _used_memory()
    began = {"load": os.getloadavg()[0], "images": _images()}
    steps = [_measure(name, command, before) for name, command in STEPS.items()]
    document = {"began_with": began, "steps": [asdict(step) for step in steps]}
    KEPT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    for step in steps:
        mebibytes = step.memory_bytes // 2**20, step.disk_bytes // 2**20
        said = f"{step.name}: {step.seconds:.0f} s, {mebibytes[0]} MiB memory, {mebibytes[1]} disk"
        sys.stderr.write(f"{said}, exit {step.exit_status}\n")
    return int(any(step.exit_status for step in steps))


def _measure(name: str, command: Sequence[str], before: int) -> Step:
    free, began = shutil.disk_usage("/var/lib").free, time.monotonic()
    with _watched() as most:
        done = subprocess.run(command, cwd=ROOT, check=False)
    return Step(
        name=name,
        seconds=round(time.monotonic() - began, 1),
        exit_status=done.returncode,
        disk_bytes=free - shutil.disk_usage("/var/lib").free,
        memory_bytes=max(most) - before,
    )


@contextmanager
def _watched() -> Iterator[list[int]]:
    """Memory in use on this machine, looked at once a second until the end."""
    seen, ended = [_used_memory()], threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            seen.append(_used_memory())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _used_memory() -> int:
    """Bytes that cannot be given to others, from proc(5)."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return sizes["MemTotal"] - sizes["MemAvailable"]


def _images() -> int:
    """How many images of the catalogue were there before."""
    listed = subprocess.run(
        [MATRIX, "image", "list", "--json"], cwd=ROOT, capture_output=True, check=False
    )
    found: list[dict[str, object]] = json.loads(listed.stdout or b"[]")
    return sum(1 for one in found if one["id"])


if __name__ == "__main__":
    raise SystemExit(main())
