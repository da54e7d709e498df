"""What the parts of a run cost by themselves; compared with nobody."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cells import PROBES, Cell, Workshop
from bench.measuring import Side, interleave, step, timed
from matrix.app import Wish, plan_run, run_plan
from matrix.execution.host import HostSession
from matrix.execution.toolbox import Halt, Toolbox
from matrix.loading import load_project
from matrix.probing.prober import PytestProber
from matrix.site import opened

#: What opening and examining a host calls, in order.
OPENING = ("connect", "tie", "open_engine", "gather_facts", "check_health")
Timings = dict[str, list[float]]


def front_door(rounds: int) -> Timings:
    """``matrix --help`` and, for the machine's speed, a Python that does nothing."""
    matrix = Path(sys.executable).with_name("matrix")

    def call(*command: str) -> Side:
        return lambda: timed(lambda: subprocess.run(command, check=True, capture_output=True))

    return interleave(
        {
            "matrix --help": call(str(matrix), "--help"),
            "python -c pass": call(sys.executable, "-c", "pass"),
        },
        rounds=rounds,
    )


def empty_cell(cell: Cell, prober: PytestProber, rounds: int) -> Timings:
    """A process with nothing but the two controls: what every cell pays for its probes."""
    controls = [one for one in prober.collect((PROBES,)) if not one.file.is_relative_to(PROBES)]

    def run() -> None:
        with cell.access() as access:
            cell.probe(access, PROBES, controls)

    return {
        "a cell's probes, with none but the controls": interleave(
            {"": lambda: timed(run)}, rounds=rounds
        )[""]
    }


def opening(workshop: Workshop, tools: Toolbox, name: str, rounds: int) -> Timings:
    """Opening a host and examining it, step by step."""
    taken: Timings = {}

    def watched(part: str, call: Callable[..., object]) -> Callable[..., object]:
        def measured(*args: object, **named: object) -> object:
            with step(taken, part):
                return call(*args, **named)

        return measured

    # Any: each part of the toolbox has a signature of its own.
    slow: dict[str, Any] = {part: watched(part, getattr(tools, part)) for part in OPENING}
    watching = replace(tools, **slow)
    environment = workshop.environment(name)
    for _ in range(rounds):
        session = HostSession(watching, environment, environment.hosts[0], run=workshop.run)
        try:
            with step(taken, "all of it"):
                fault = session.examine().fault
        finally:
            with step(taken, "close"):
                session.close()
        if fault is not None:
            raise SystemExit(f"{name}: {fault.message}")
    return taken


def whole_cell(rounds: int) -> Timings:
    """The sample service of a new project on this machine, by whole runs with warm images."""
    taken: Timings = {}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [Path(sys.executable).with_name("matrix"), "init", folder],
            check=True,
            capture_output=True,
        )
        with opened(load_project(Path(folder))) as site:
            plan = plan_run(site, Wish())
            for _ in range(rounds):
                began = time.perf_counter()
                outcome = run_plan(
                    site, plan, Wish(), show=lambda _: nullcontext(lambda _: None), halt=Halt()
                )
                taken.setdefault("whole run", []).append(time.perf_counter() - began)
                for cell in outcome.report.grid.cells.values():
                    assert cell.result is not None
                    _add(taken, cell.result.attempts[-1].steps)
    return taken


def _add(taken: Timings, steps: Mapping[str, float]) -> None:
    for name, seconds in steps.items():
        taken.setdefault(name, []).append(seconds)
