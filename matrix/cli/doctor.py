"""``matrix doctor``: what this machine has and lacks."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from matrix.app import Wish, plan_run
from matrix.cli.output import counted, json_option, print_json, print_table, project_options
from matrix.core.errors import ConfigError, MatrixError
from matrix.core.gate import Exit
from matrix.core.model import Project
from matrix.core.text import size_text
from matrix.site import open_project, opened
from matrix.wiring import source_engine

ENOUGH_DISK_BYTES = 5 * 1024**3


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing looked at."""

    what: str
    #: "ok", "note" (something will not be possible) or "missing" (nothing will).
    state: str
    found: str
    #: What to do, "" when nothing.
    remedy: str = ""


GLYPHS = {"ok": "✓", "note": "⚠", "missing": "✗"}


@click.command("doctor")
@project_options
@json_option
def command(start: Path, inventories: Sequence[Path], as_json: bool) -> int:
    """Look at this machine and the project, and say what is missing and what to do.

    Exits with 0 when a run is possible, 2 when something is missing.
    """
    checks = list(_examine(start, inventories))
    if as_json:
        print_json(checks)
    else:
        rows = [(GLYPHS[one.state], one.what, one.found, one.remedy) for one in checks]
        print_table(rows, ("", "what", "found", "what to do"))
    return Exit.USAGE if any(one.state == "missing" for one in checks) else Exit.OPEN


def _examine(start: Path, inventories: Sequence[Path]) -> Iterator[Check]:
    yield _python()
    yield _engine()
    try:
        project = open_project(start, inventories)
    except ConfigError as error:
        found = f"{counted(len(error.faults), 'fault')}, the first in {error.faults[0].file}"
        yield Check(what="project", state="missing", found=found, remedy="matrix config check")
        return
    except MatrixError as error:
        yield Check(what="project", state="missing", found=str(error), remedy="matrix init")
        return
    yield _project(project)
    yield _disk(project)
    yield _guarded("probes and store", "matrix probe list", lambda: _probes(project))
    yield from _tools(project)


def _python() -> Check:
    return Check(what="Python", state="ok", found=f"{platform.python_version()} ({sys.prefix})")


def _engine() -> Check:
    remedy = "install and start Docker or Podman here, or run only on environments with images"
    return _guarded("engine on this machine", remedy, _describe_engine, state="note")


def _describe_engine() -> str:
    engine = source_engine()
    try:
        facts = engine.describe().facts
    finally:
        engine.close()
    return f"{facts.get('engine.name')} {facts.get('engine.version')}"


def _project(project: Project) -> Check:
    rows, columns = len(project.services), len(project.environments)
    found = f"{counted(rows, 'service')}, {counted(columns, 'environment')} in {project.root}"
    return Check(what="project", state="ok", found=found)


def _disk(project: Project) -> Check:
    folder = next(one for one in (project.state, *project.state.parents) if one.exists())
    free = shutil.disk_usage(folder).free
    if free < ENOUGH_DISK_BYTES:
        remedy = f"images and evidence need room: at least {size_text(ENOUGH_DISK_BYTES)}"
        return Check(what="free disk", state="note", found=size_text(free), remedy=remedy)
    return Check(what="free disk", state="ok", found=size_text(free))


def _probes(project: Project) -> str:
    with opened(project) as site:
        plan = plan_run(site, Wish())
    count = sum(len(cell.probes) for cell in plan.cells)
    return f"{counted(len(plan.cells), 'cell')} with {counted(count, 'probe')} can be planned"


def _tools(project: Project) -> Iterator[Check]:
    """Programs that only some projects need."""
    if project.bases and shutil.which("mmdebstrap") is None:
        yield Check(
            what="mmdebstrap",
            state="note",
            found="not installed",
            remedy="apt-get install mmdebstrap, or set MATRIX_REGISTRY to take bases from there",
        )
    if project.bases and os.geteuid() != 0:
        yield Check(
            what="root",
            state="note",
            found=f"user {os.geteuid()}",
            remedy="making base images from packages, and the lab, need root",
        )


def _guarded(what: str, remedy: str, look: Callable[[], str], *, state: str = "missing") -> Check:
    try:
        return Check(what=what, state="ok", found=look())
    except MatrixError as error:
        return Check(what=what, state=state, found=str(error), remedy=remedy)
