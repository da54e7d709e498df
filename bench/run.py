"""Measure what a probe costs, through us and through others side by side, and write the page.

``python bench/run.py`` needs the lab (`matrix lab up`), a docker command and an ssh command. It
keeps the numbers in .matrix/bench/latest.json and in bench/results.json, and writes
docs/reference/performance.md from them. ``python bench/run.py store`` measures that part alone,
which needs no lab, and keeps the other numbers as they were.
"""

import json
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import incremental, others, page_steps, steps, store_steps
from bench.cells import LOOP, PROBES, Cell, Workshop, own_probes, probe_all, run_loop
from bench.machine import describe, load
from bench.measuring import Side, interleave, summary, timed
from bench.write_page import PAGE, write_page
from matrix.core.result import PlannedProbe
from matrix.execution.host import HostSession
from matrix.execution.toolbox import Toolbox
from matrix.loading import load_project
from matrix.probing.prober import PytestProber

HERE = Path(__file__).parent
ROOT = HERE.parent
LATEST = ROOT / ".matrix/bench/latest.json"
KEPT = HERE / "results.json"
CONTAINERS = 4
ROUNDS = {
    "local": 10,
    "ssh": 6,
    "eleven": 5,
    "door": 10,
    "host": 3,
    "empty": 10,
    "whole": 3,
    "store": 7,
}
#: The columns that `make bench` starts the hosts of.
COLUMNS = ROOT / "inventories/demo.toml"
#: Environments of the lab whose SSH is measured, and what carries the engine's API there.
OVER_SSH = {"customer": "streamlocal channels", "production": "dial-stdio, MaxSessions 2"}
# Any: what json.loads gives and json.dumps takes.
Json = dict[str, Any]


class Measured:
    """What was measured so far."""

    def __init__(self) -> None:
        self.comparisons: list[Json] = []
        self.steps: list[Json] = []

    def compare(
        self, title: str, seconds: dict[str, list[float]], *, at_least: float, unit: str
    ) -> None:
        """Keep a comparison; the first of *seconds* is us, the goal is held against the second."""
        sides: list[Json] = [{"name": name, **summary(taken)} for name, taken in seconds.items()]
        self.comparisons.append(
            {"title": title, "unit": unit, "at_least": at_least, "sides": sides}
        )
        say(f"{title}: {sides[1]['median_seconds'] / sides[0]['median_seconds']:.0f} times")

    def note(
        self, title: str, seconds: dict[str, list[float]], *, goals: Json | None = None
    ) -> None:
        """Keep times that are compared with nobody; *goals* are most seconds by name."""
        times = {name: summary(taken) for name, taken in seconds.items()}
        self.steps.append({"title": title, "goals": goals or {}, "times": times})
        say(f"{title}: " + ", ".join(f"{k} {v['median_seconds']:.3f} s" for k, v in times.items()))


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        raise SystemExit(f"no part is called {', '.join(unknown)} (known: {', '.join(PARTS)})")
    before, measured = load(), Measured()
    engines: dict[str, str] = {}
    for part in wanted:
        engines |= PARTS[part](measured)
    machine = describe(ROOT, engines) | {"load_before": before, "load_after": load()}
    result: Json = {
        "machine": machine,
        "probes": probes_listed(),
        "comparisons": measured.comparisons,
        "steps": measured.steps,
    }
    if wanted != list(PARTS):
        result = with_new(json.loads(KEPT.read_text(encoding="utf-8")), result)
    keep(result)


def with_new(kept: Json, new: Json) -> Json:
    """*kept* with the steps of *new*, each saying on what day and at what load it was measured."""
    machine = new["machine"]
    loads = " and ".join(str(machine[f"load_{moment}"][0]) for moment in ("before", "after"))
    when = f"{machine['date']}, commit {machine['commit']}, load {loads}"
    steps = [step | {"measured": when} for step in new["steps"]]
    titles = {step["title"] for step in steps}
    return kept | {"steps": [one for one in kept["steps"] if one["title"] not in titles] + steps}


def keep(result: Json) -> None:
    """Write the numbers and the page."""
    LATEST.parent.mkdir(parents=True, exist_ok=True)
    LATEST.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(LATEST, KEPT)
    write_page(LATEST, PAGE)
    say(f"written: {LATEST.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")


def measure_store(measured: Measured) -> dict[str, str]:
    """A store of a thousand runs; no engine takes part."""
    taken = store_steps.large_store(ROUNDS["store"])
    measured.note(store_steps.TITLE, taken, goals=store_steps.GOALS)
    return {}


def measure_incremental(measured: Measured) -> dict[str, str]:
    """A warm grid; the engine of this machine takes part."""
    taken = incremental.warm_grid(ROUNDS["whole"])
    measured.note(incremental.TITLE, taken, goals=incremental.GOALS)
    return {}


def measure_probes(measured: Measured) -> dict[str, str]:
    """All that needs hosts; returns the version of each environment's engine."""
    engines = {}
    measured.note("The front door", steps.front_door(ROUNDS["door"]), goals={"matrix --help": 0.2})
    with PytestProber() as prober:
        workshop = Workshop(load_project(ROOT, inventory=[COLUMNS]), prober)
        with workshop.tools() as tools:
            with workshop.session(tools, "laptop") as session:
                engines["laptop"] = engine_of(session)
                measure_local(measured, workshop, tools, session)
            for name, carried in OVER_SSH.items():
                with workshop.session(tools, name) as session:
                    engines[name] = engine_of(session)
                    measure_ssh(measured, workshop, tools, session, carried)
            for environment in workshop.project.environments:
                if environment.name not in engines:
                    with workshop.session(tools, environment.name) as session:
                        engines[environment.name] = engine_of(session)
                title = f"Opening and examining {environment.name}"
                taken = steps.opening(workshop, tools, environment.name, ROUNDS["host"])
                measured.note(title, taken)
    title = "One whole run of a new project: one cell, on this machine, its image built"
    measured.note(title, steps.whole_cell(ROUNDS["whole"]))
    return engines


def measure_local(
    measured: Measured, workshop: Workshop, tools: Toolbox, session: HostSession
) -> None:
    """One command and eleven probes, in containers of this machine's engine."""
    loop = own_probes(workshop.prober, LOOP)
    planned = listed(own_probes(workshop.prober, PROBES))
    with workshop.cells(tools, session, count=CONTAINERS) as cells:
        with cells[0].access() as access:
            sides: dict[str, Side] = {
                "matrix": lambda: run_loop(cells[0], access, loop),
                "testinfra docker://": others.testinfra_docker(cells[0].container),
            }
            taken = interleave(sides, rounds=ROUNDS["local"])
        title = 'host.run("true") on the local engine'
        measured.compare(title, taken, at_least=50, unit="one command")
        measured.compare(
            f"{len(planned)} probes on {CONTAINERS} containers",
            interleave(eleven_sides(cells, planned), rounds=ROUNDS["eleven"]),
            at_least=8,
            unit="all of them",
        )
        measured.note(
            "What every cell pays for its probes",
            steps.empty_cell(cells[0], workshop.prober, ROUNDS["empty"]),
        )


def eleven_sides(cells: Sequence[Cell], planned: Sequence[PlannedProbe]) -> dict[str, Side]:
    """Us with everything started anew, pytest, and us as in a run that goes on already."""

    def from_nothing() -> None:
        with PytestProber() as prober:
            found = listed(own_probes(prober, PROBES))
            probe_all([replace(cell, prober=prober) for cell in cells], found)

    return {
        "matrix, its probe process started and probes collected anew": lambda: timed(from_nothing),
        "pytest --hosts=docker://… -n 2": others.pytest_xdist(
            [cell.container for cell in cells], PROBES
        ),
        "matrix, in a run that goes on already": lambda: timed(lambda: probe_all(cells, planned)),
    }


def measure_ssh(
    measured: Measured, workshop: Workshop, tools: Toolbox, session: HostSession, carried: str
) -> None:
    """One command in a container on a host of the lab."""
    loop = own_probes(workshop.prober, LOOP)
    with ExitStack() as stack:
        plain, shared = (Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in "12")
        more = stack.enter_context(others.shared_connection(shared))
        (cell,) = stack.enter_context(workshop.cells(tools, session, count=1))
        access = stack.enter_context(cell.access())
        over_ssh = others.docker_over_ssh
        sides: dict[str, Side] = {
            "matrix": lambda: run_loop(cell, access, loop),
            "docker -H ssh://… exec": over_ssh(session.host, cell.container, plain, config=""),
            "the same, with OpenSSH's ControlMaster": over_ssh(
                session.host, cell.container, shared, config=more
            ),
        }
        taken = interleave(sides, rounds=ROUNDS["ssh"])
    title = f'host.run("true") over SSH, {session.environment.name} ({carried})'
    measured.compare(title, taken, at_least=100, unit="one command")


def probes_listed() -> dict[str, str]:
    """Module of testinfra → probe that uses it."""
    return dict(tomllib.loads((HERE / "probes.toml").read_text(encoding="utf-8"))["probes"])


def listed(found: Sequence[PlannedProbe]) -> tuple[PlannedProbe, ...]:
    """*found*, once it is certain that it is what bench/probes.toml lists."""
    ids = {f"{one.file.name}::{one.id.partition('::')[2]}" for one in found}
    if ids != set(probes_listed().values()):
        raise SystemExit(f"bench/probes.toml does not list what is there: {sorted(ids)}")
    return tuple(found)


def engine_of(session: HostSession) -> str:
    """Name and version of the engine."""
    return f"{session.environment.engine} {session.facts.get('engine.version')}"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


#: Part → what measures it and gives the version of each environment's engine.
PARTS = {
    "probes": measure_probes,
    "store": measure_store,
    "incremental": measure_incremental,
    "page": page_steps.measure_page,
}

if __name__ == "__main__":
    main()
