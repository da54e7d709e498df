"""The section of docs/reference/performance.md about `make demo-full`."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: What json.loads gives; the keys are those that bench/demo_full.py writes.
Measured = Mapping[str, Any]

#: Sort of run → the most seconds it is to take, on two cores.
GOALS = {"cold": 45 * 60, "warm": 10 * 60}
DISK_GOAL_BYTES = 40 * 2**30
MEMORY_GOAL_BYTES = 12 * 2**30
SLOWEST_SHOWN = 10

HEAD = """\
## The whole grid

`make demo-full`: every service in every environment of the lab, by `make bench-demo`, which writes
`bench/demo-full.json`. Cold is a machine without an image of the catalogue; warm is one that has
them. Memory is what the whole machine used more than before, at most, and disk is what it had less
afterwards.

"""


def section(runs: Measured) -> str:
    """What was measured of whole runs; "" where none was."""
    if not runs:
        return ""
    goals = _table(("goal", "measured", ""), list(_goals(runs)))
    return HEAD + goals + "".join(_run(sort, run) for sort, run in runs.items())


def _goals(runs: Measured) -> Iterator[tuple[str, str, str]]:
    for sort, most in GOALS.items():
        goal = f"{sort}: at most {most // 60} minutes"
        if sort not in runs:
            yield goal, "not measured", "**nobody knows**"
            continue
        taken = sum(step["seconds"] for step in runs[sort]["steps"])
        yield goal, minutes(taken), _holds(taken <= most)
    for what, key, most in (
        ("disk", "disk_bytes", DISK_GOAL_BYTES),
        ("memory", "memory_bytes", MEMORY_GOAL_BYTES),
    ):
        for sort, run in runs.items():
            sizes = [step[key] for step in run["steps"]]
            goal = f"{sort}: at most {most // 2**30} GiB of {what}"
            if None in sizes:
                yield goal, gibibytes(None), "**nobody knows**"
                continue
            taken = sum(sizes) if key == "disk_bytes" else max(sizes)
            yield goal, gibibytes(taken), _holds(taken <= most)


def _holds(reached: bool) -> str:
    return "holds" if reached else "**does not hold**"


def _run(sort: str, run: Measured) -> str:
    machine, began = run["machine"], run["began_with"]
    told = (
        f"### {sort.capitalize()}\n\nMeasured on {machine['date']}, commit {machine['commit']},"
        f" {machine['cores']} cores; load {_loads(machine['load_before'])} before and"
        f" {_loads(machine['load_after'])} after. It began with {began['images']} images and"
        f" {began['hosts']} hosts. {run['note']}".rstrip()
    )
    steps = [
        (
            step["name"],
            minutes(step["seconds"]),
            gibibytes(step["memory_bytes"]),
            gibibytes(step["disk_bytes"]),
            "as expected" if step["exit_status"] == 0 else f"**exit {step['exit_status']}**",
        )
        for step in run["steps"]
    ]
    return (
        f"{told}\n\n"
        + _table(("step", "time", "memory", "disk", ""), steps)
        + "Seconds of the cells of each environment, added up; several are measured at a time.\n\n"
        + _table(("environment", "cells", *CELL_STEPS, "all"), list(_columns(run["cells"])))
        + f"The {SLOWEST_SHOWN} that took longest:\n\n"
        + _table(("cell", "host", "verdict", *CELL_STEPS, "all"), list(_slowest(run["cells"])))
    )


#: Steps of an attempt in their order.
CELL_STEPS = ("deliver", "start", "ready", "probe", "clean")


def _columns(cells: Sequence[Measured]) -> Iterator[tuple[str, ...]]:
    grouped: dict[str, list[Measured]] = defaultdict(list)
    for cell in cells:
        grouped[cell["cell"].partition("@")[2]].append(cell)
    for name, group in grouped.items():
        steps = (sum(one["steps"].get(step, 0.0) for one in group) for step in CELL_STEPS)
        whole = sum(one["seconds"] for one in group)
        yield name, str(len(group)), *(f"{taken:.0f}" for taken in (*steps, whole))


def _slowest(cells: Sequence[Measured]) -> Iterator[tuple[str, ...]]:
    ordered = sorted(cells, key=lambda one: float(one["seconds"]), reverse=True)
    for one in ordered[:SLOWEST_SHOWN]:
        steps = (f"{one['steps'].get(step, 0.0):.0f}" for step in CELL_STEPS)
        yield one["cell"], one["host"], one["verdict"], *steps, f"{one['seconds']:.0f}"


def _loads(load: Sequence[float]) -> str:
    return ", ".join(map(str, load))


def minutes(seconds: float) -> str:
    """``12 min 5 s``, ``8 s``."""
    whole, rest = divmod(round(seconds), 60)
    return f"{whole} min {rest} s" if whole else f"{rest} s"


def gibibytes(size: int | None) -> str:
    """In GiB with a digit; what became less is nothing, None is what nobody measured."""
    if size is None:
        return "not measured"
    return f"{max(0, size) / 2**30:.1f} GiB"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"
