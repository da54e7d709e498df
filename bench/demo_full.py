"""Measure `make demo-full` step by step: seconds, disk and memory.

``python bench/demo_full.py [NOTE]`` runs the same commands as the Makefile's target and writes
bench/demo-full.json: for each step its seconds, the most memory taken on this machine meanwhile
and what the disk lost; for each cell of the grid what it came to and where its time went. It is
"cold" when there was no image of the catalogue before, "warm" otherwise: what is there already is
not built again. Then docs/reference/performance.md is written anew with it. *NOTE* is kept with
the numbers.
"""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.machine import describe, load
from bench.write_page import DEMO, PAGE, write_page

ROOT = Path(__file__).parent.parent
MATRIX = str(Path(sys.executable).with_name("matrix"))
RESULTS = Path(__file__).parent / "results.json"
REPORT = ROOT / "reports/report.json"
#: Name of a step → its command, as in the Makefile.
STEPS = {
    "images": (MATRIX, "image", "build"),
    "lab": (MATRIX, "lab", "up", "--no-seed"),
    "seeding": (MATRIX, "lab", "up"),
    "grid": (
        MATRIX,
        "run",
        *("--expected", "inventories/lab.expected.toml"),
        *("--report", "html", "--report", "json"),
    ),
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


@dataclass(frozen=True, kw_only=True, slots=True)
class CellTime:
    """One cell on one host, its last attempt."""

    cell: str
    host: str
    verdict: str
    attempt: int
    seconds: float
    #: Step of the attempt → seconds.
    steps: dict[str, float]


def main(words: Sequence[str]) -> int:
    """Measure every step, write the file and the page; 1 when the grid was not as expected."""
    before, load_before = _used_memory(), load()
    began = {"images": _images(), "hosts": _hosts()}
    steps = [_measure(name, command, before) for name, command in STEPS.items()]
    sort = "warm" if began["images"] else "cold"
    runs = json.loads(DEMO.read_text(encoding="utf-8")) if DEMO.exists() else {}
    runs[sort] = {
        "note": " ".join(words),
        "began_with": began,
        "machine": describe(ROOT, {}) | {"load_before": load_before, "load_after": load()},
        "steps": [asdict(step) for step in steps],
        "cells": [asdict(cell) for cell in _cells()],
    }
    DEMO.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    write_page(RESULTS, PAGE)
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
    return sum(1 for one in _listed("image", "list") if one["id"])


def _hosts() -> int:
    """How many hosts of the lab were ready before."""
    return sum(1 for one in _listed("lab", "status") if one["state"] == "ready")


def _listed(*words: str) -> list[dict[str, object]]:
    listed = subprocess.run([MATRIX, *words, "--json"], cwd=ROOT, capture_output=True, check=False)
    found: list[dict[str, object]] = json.loads(listed.stdout or b"[]")
    return found


def _cells() -> Iterator[CellTime]:
    """Every cell of the report that the run has written, on each of its hosts."""
    for cell in json.loads(REPORT.read_text(encoding="utf-8"))["cells"]:
        last = {attempt["host"]: attempt for attempt in cell["attempts"]}
        for host, attempt in last.items():
            yield CellTime(
                cell=cell["id"],
                host=host,
                verdict=attempt["verdict"],
                attempt=attempt["number"],
                seconds=round(attempt["seconds"], 1),
                steps={name: round(taken, 2) for name, taken in attempt["steps"].items()},
            )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
