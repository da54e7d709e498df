"""docs/reference/performance.md from the numbers of bench/run.py and bench/demo_full.py."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.demo_section import section

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/performance.md"
#: Whole runs of the lab's grid, cold and warm, as far as they were measured.
DEMO = ROOT / "bench/demo-full.json"
#: A table of the page: heads, then rows.
Rows = Sequence[Sequence[str]]
#: What json.loads gives; the keys are those that bench/run.py writes.
Measured = Mapping[str, Any]

HEAD = """\
# What a probe costs

Made by `make bench` from what was measured on {date}, commit {commit}; do not edit.

To repeat it: `make bench`. Once the lab is up it takes about eight minutes, writes
`bench/results.json` and this page, and removes what it started. All sides of a comparison
are measured in one run and take turns, so a busy moment slows all of them; read the ratios, the
seconds are of this machine only. Every number is the median, with the quartiles in brackets.

"""
COMPARED = """\
## Compared with others

One command is `host.run("true")` in a probe: through us from the probe's own process over its
pipe to the runner, which checks that the container is one of the cell's, sends it through the kept
shell and records it with its output. testinfra's `docker://` starts a docker command for each one,
and so does `docker -H ssh://… exec`, with an SSH connection of its own; with `ControlMaster` that
connection is kept, for whoever has set that up.

"""
PROBES = """\
The probes, one for each module of testinfra that a container without an init system can answer:
{names} (`bench/probes.toml`). Starting the containers is not counted on any side. pytest is
measured from its command to its end. Of us, starting the process for probes, collecting them and
opening the shells are counted; the runner itself, which had to start the containers, runs already.

"""


def page(measured: Measured, demo: Measured) -> str:
    """The whole page; *demo* is what bench/demo_full.py wrote, {} for nothing."""
    machine = measured["machine"]
    parts = [
        HEAD.format(**machine),
        "## Goals\n\n" + _table(("goal", "measured", ""), list(_goals(measured))),
        COMPARED,
        *(_comparison(one) for one in measured["comparisons"]),
        PROBES.format(names=", ".join(measured["probes"])),
        "## By itself\n\n",
        *(_steps(one) for one in measured["steps"]),
        section(demo),
        "## Measured on\n\n" + _table(("", ""), list(_machine(machine))),
    ]
    return "".join(parts).rstrip() + "\n"


def write_page(source: Path, target: Path) -> None:
    """Write the page at *target* from the JSON at *source*, and from DEMO where it is there."""
    measured = json.loads(source.read_text(encoding="utf-8"))
    demo = json.loads(DEMO.read_text(encoding="utf-8")) if DEMO.exists() else {}
    target.write_text(page(measured, demo), encoding="utf-8")


def ratio(comparison: Measured, side: int = 1) -> float:
    """How many times longer another side takes than we do."""
    sides = comparison["sides"]
    return float(sides[side]["median_seconds"] / sides[0]["median_seconds"])


def times(value: float) -> str:
    """A ratio, with a digit behind the point where it is small."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def seconds(value: float) -> str:
    """A time in a unit that suits it."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.{0 if value >= 0.01 else 2}f} ms"


def _goals(measured: Measured) -> Iterator[tuple[str, str, str]]:
    for one in measured["comparisons"]:
        goal = f"{one['title']}: at least {one['at_least']} times less"
        yield goal, f"{times(ratio(one))} times", _holds(ratio(one) >= one["at_least"])
    for one in measured["steps"]:
        for name, most in one["goals"].items():
            taken = one["times"][name]["median_seconds"]
            yield f"`{name}`: less than {seconds(most)}", seconds(taken), _holds(taken < most)


def _holds(reached: bool) -> str:
    return "holds" if reached else "**does not hold**"


def _comparison(one: Measured) -> str:
    rows = [
        (side["name"], _spread(side), times(ratio(one, at)), _count(side))
        for at, side in enumerate(one["sides"])
    ]
    return f"### {one['title']}\n\n" + _table(("", one["unit"], "ratio", "measured"), rows)


def _steps(one: Measured) -> str:
    rows = [(name, _spread(taken), _count(taken)) for name, taken in one["times"].items()]
    when = f"Measured {one['measured']}.\n\n" if "measured" in one else ""
    return f"### {one['title']}\n\n{when}" + _table(("", "time", "measured"), rows)


def _machine(machine: Measured) -> Iterator[tuple[str, str]]:
    yield "processor", f"{machine['cores']} cores, {machine['processor']}"
    yield "memory", f"{machine['memory_bytes'] / 2**30:.0f} GiB"
    for moment in ("before", "after"):
        yield f"load {moment} (1, 5, 15 minutes)", ", ".join(map(str, machine[f"load_{moment}"]))
    yield "kernel", machine["kernel"]
    yield "Python", machine["python"]
    yield "docker command", machine["docker_command"]
    yield "ssh command", machine["ssh_command"]
    yield "engines", ", ".join(f"{name}: {engine}" for name, engine in machine["engines"].items())
    yield "packages", ", ".join(f"{name} {of}" for name, of in machine["packages"].items())


def _spread(taken: Measured) -> str:
    low, high = (seconds(taken[f"quartile_{which}_seconds"]) for which in (1, 3))
    return f"{seconds(taken['median_seconds'])} ({low} – {high})"


def _count(taken: Measured) -> str:
    return f"{taken['count']} times"


def _table(heads: Sequence[str], rows: Rows) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


if __name__ == "__main__":
    write_page(Path(sys.argv[1]), PAGE)
