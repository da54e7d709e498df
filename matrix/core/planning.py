"""What is going to be run, decided before anything is. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import PurePath

from matrix.core.model import CellId, Project
from matrix.core.plan import LeftOut, Plan, PlannedCell
from matrix.core.result import PlannedProbe


def make_plan(
    project: Project,
    cells: Sequence[CellId],
    probes: Mapping[str, tuple[PlannedProbe, ...]],
    digests: Mapping[str, str],
    *,
    durations: Mapping[CellId, float],
) -> Plan:
    """The plan for *cells* of *project*.

    *probes* and *digests* (hash of the probes' sources) are by service name, *durations* are
    seconds that cells took the last time, {} for none known. Cells that an exclusion applies to
    are left out with its reason. Raises KeyError for a cell or probes that the project lacks.
    """
    services = {service.name: service for service in project.services}
    environments = {environment.name: environment for environment in project.environments}
    left_out = tuple(
        LeftOut(cell=cell, reason=environments[cell.environment].exclusions[cell.service])
        for cell in cells
        if cell.service in environments[cell.environment].exclusions
    )
    excluded = {out.cell for out in left_out}
    to_run = slowest_first([cell for cell in cells if cell not in excluded], durations)
    planned = tuple(
        PlannedCell(
            cell=cell,
            service=services[cell.service],
            environment=one,
            probes=probes[cell.service],
        ).on_engines({role for host in one.hosts for role in one.roles_of(host)})
        for cell in to_run
        for one in (environments[cell.environment],)
    )
    used = {cell.service: digests[cell.service] for cell in to_run}
    return Plan(
        cells=planned,
        left_out=left_out,
        digest=plan_digest(planned, used),
        probes_digests=used,
    )


def slowest_first(cells: Sequence[CellId], durations: Mapping[CellId, float]) -> tuple[CellId, ...]:
    """*cells* with the slowest environment first, and in it the slowest cell.

    Environments run beside each other, so the slowest one sets the length of the run. A cell that
    was never timed counts as the mean of those that were; ties keep the order they came in.
    """
    timed = [durations[cell] for cell in cells if cell in durations]
    mean = sum(timed) / len(timed) if timed else 0.0
    totals: dict[str, float] = {}
    for cell in cells:
        totals[cell.environment] = totals.get(cell.environment, 0.0) + durations.get(cell, mean)
    order = {name: index for index, name in enumerate(totals)}
    return tuple(
        sorted(
            cells,
            key=lambda cell: (
                -totals[cell.environment],
                order[cell.environment],
                -durations.get(cell, mean),
            ),
        )
    )


def quickest_first(
    services: Sequence[str], seconds: Mapping[str, float], most: Mapping[str, float]
) -> tuple[str, ...]:
    """*services* in the order of the *seconds* that they took, so that something is known early.

    Of one that was never timed counts what it may take at *most*; ties keep their order. Raises
    KeyError for one that neither names.
    """
    return tuple(
        sorted(services, key=lambda name: seconds[name] if name in seconds else most[name])
    )


def in_order_of(plan: Plan, services: Sequence[str]) -> Plan:
    """*plan* with its cells in the order of *services*; those of others come last."""
    place = {name: index for index, name in enumerate(services)}
    cells = sorted(plan.cells, key=lambda one: place.get(one.service.name, len(place)))
    return replace(plan, cells=tuple(cells))


def plan_digest(planned: Sequence[PlannedCell], digests: Mapping[str, str]) -> str:
    """Hash over services, environments and probes of what is run, whatever the order.

    The same plan has the same digest in another clone of the project: no path goes into it, since
    what a path leads to is in the probes' hashes and in the images' ids.
    """
    content = {
        "services": {one.service.name: plain_value(one.service) for one in planned},
        "environments": {one.environment.name: plain_value(one.environment) for one in planned},
        "probes": {one.service.name: sorted(probe.id for probe in one.probes) for one in planned},
        "cells": sorted(str(one.cell) for one in planned),
        "digests": dict(digests),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plain_value(value: object) -> object:
    """A value of ``core.model`` as JSON has it, paths left out."""
    if is_dataclass(value):
        return {
            field.name: plain_value(getattr(value, field.name))
            for field in fields(value)
            if not isinstance(getattr(value, field.name), PurePath)
        }
    if isinstance(value, Enum):
        return plain_value(value.value)
    if isinstance(value, Mapping):
        return {str(key): plain_value(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [plain_value(one) for one in value if not isinstance(one, PurePath)]
    return value
