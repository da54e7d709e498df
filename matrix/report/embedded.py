"""What the page's script reads: the grid as JSON, and the evidence of each cell, compressed.

The grid is plain, so that it is there at once and another copy of the page can be compared with
it; its shape is that of ``tests/builders/queries.json`` and more. Evidence is only read when its
cell is opened: one zlib stream a cell (RFC 1950, ``DecompressionStream("deflate")``), in base64.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import TypeVar

from matrix.core.fingerprint import PASSING
from matrix.core.grid import GridCell, Report
from matrix.core.history import PANEL_LENGTH, CellHistory, Cluster, Past
from matrix.core.model import Environment, Service
from matrix.core.result import EnvironmentFinding, Fact, HostFinding, Reporter
from matrix.core.waivers import JudgedWaiver
from matrix.report import marks, summary
from matrix.report.evidence import gather
from matrix.report.shown import attempt_json
from matrix.report.summary import Place

#: Grows when a page could misread the grid of an older one.
VERSION = 1
#: Key of what is known about the environments, beside the cells' ids; no cell has such an id.
ENVIRONMENTS = "environments"
#: Runs that the page offers to be compared with, besides the newest one of each release.
MOST_RUNS = 50

#: What json.dumps takes; each maker of one says its keys.
Json = dict[str, object]
T = TypeVar("T")


def grid_json(report: Report) -> str:
    """The grid with all that can be asked for, sorted and exported, safe inside ``<script>``."""
    return _in_script(
        {
            "version": VERSION,
            "project": report.project,
            "run": report.run,
            "release": report.release,
            "state": report.state,
            "door": report.decision.door.value,
            "exit_code": report.decision.exit_code,
            "started_at": report.started_at.isoformat(),
            "signed_by": report.signed_by,
            "baseline": report.comparison.baseline if report.comparison else "",
            "runs": _runs(report),
            # So many measurements of a cell are kept: with fewer, there were no others.
            "kept": PANEL_LENGTH,
            "services": [_service(service, report) for service in report.grid.services],
            "environments": [
                _environment(one, report.grid.findings.get(one.name))
                for one in report.grid.environments
            ],
            "cells": [_cell(place, report) for place in summary.places(report)],
            "changes": marks.changes(report),
            "clusters": [_cluster(cluster) for cluster in report.clusters],
        }
    )


def evidence_json(report: Report) -> str:
    """Cell id → its evidence, compressed; and what is known about the environments."""
    shown = gather(summary.places(report))
    waivers: dict[str, list[Json]] = {}
    for judged in report.waivers:
        waivers.setdefault(str(judged.waiver.cell), []).append(_waiver(judged))
    packed = {
        str(cell): _packed(
            {
                "attempts": [attempt_json(attempt) for attempt in attempts],
                "history": _history(report.history.get(cell), report.reporters),
                "waivers": waivers.get(str(cell), []),
            }
        )
        for cell, attempts in shown.items()
    }
    return _in_script({**packed, ENVIRONMENTS: _packed(_environments(report))})


def _in_script(value: Mapping[str, object]) -> str:
    # Nothing can end the element early: the only "<" is written as an escape.
    return _dumps(value).replace("<", "\\u003c")


def _packed(value: Mapping[str, object]) -> str:
    return base64.b64encode(zlib.compress(_dumps(value).encode("utf-8", "replace"))).decode()


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _service(service: Service, report: Report) -> Json:
    strength = report.grid.strengths.get(service.name)
    return {
        "name": service.name,
        "title": service.title,
        "contents": service.contents,
        "image": service.image,
        "owner": service.owner,
        "unproven": list(strength.unproven) if strength else [],
    }


def _environment(environment: Environment, finding: EnvironmentFinding | None) -> Json:
    host = next(iter(finding.hosts), None) if finding else None
    return {
        "name": environment.name,
        "title": environment.title,
        "kind": environment.kind.value,
        "engine": environment.engine,
        "architecture": str((host.facts.get("architecture") if host else "") or ""),
        "labels": dict(environment.labels),
        "fault": finding.fault.reason if finding and finding.fault else "",
    }


def _cell(place: Place, report: Report) -> Json:
    cell = place.cell
    change = marks.change(report, cell.cell)
    history = report.history.get(cell.cell)
    return {
        "service": place.service.name,
        "environment": place.environment.name,
        "verdict": cell.verdict.value,
        "reason": cell.reason,
        "message": cell.message,
        "run": cell.run,
        "flaky": bool(history and history.flaky),
        "change": change.value if change else "",
        "waived": cell.waived,
        "reused": cell.reused_from,
        "reported": cell.reporter.name if cell.reporter else "",
        "reported_key": cell.reporter.key if cell.reporter else "",
        "running": marks.running(report, cell),
        "past": marks.letters(history),
        **_measured(cell),
    }


def _measured(cell: GridCell) -> Json:
    result = cell.result
    if result is None:
        return {"finished_at": None, "image": "", "fingerprint": "", "probes": "", "seconds": 0}
    counted = summary.tally(cell)
    return {
        "finished_at": result.finished_at.isoformat() if result.finished_at else None,
        "image": result.image_id,
        "fingerprint": result.fingerprint,
        "probes": result.probes_digest,
        "seconds": sum(attempt.seconds for attempt in summary.deciding(result)),
        "bad": counted.bad,
        "planned": counted.planned,
    }


def _runs(report: Report) -> list[Json]:
    """The runs that measured what the page shows, newest first: as many as are offered, and the
    newest one of every release."""
    histories = filter(None, map(report.history.get, report.grid.cells))
    # Of 150,000 measurements: whichever of a run comes last, they are minutes apart.
    measured = {past.run: past for history in histories for past in history.past}
    newest = sorted(measured.values(), key=lambda one: one.finished_at, reverse=True)
    released = {past.release: past for past in reversed(newest) if past.release}
    offered = {past.run for past in (*newest[:MOST_RUNS], *released.values())}
    return [_past(past) for past in newest if past.run in offered]


def _cluster(cluster: Cluster) -> Json:
    return {"signature": cluster.signature, "cells": [str(cell) for cell in cluster.cells]}


def _history(history: CellHistory | None, reporters: Mapping[str, Reporter]) -> Json:
    """A column for each field, newest first: of 150,000 measurements each name would stand there
    150,000 times. A column of which all is the same is that value alone."""
    past = history.past if history else ()
    first_bad = history.first_bad if history else None
    return {
        "runs": [one.run for one in past],
        "verdicts": "".join([marks.LETTERS[one.verdict] for one in past]),
        "at": [one.finished_at.isoformat() for one in past],
        "releases": _column([one.release for one in past]),
        "reasons": _column([one.reason for one in past]),
        # Only compared with one another, and with those of today when they are shortened alike.
        "images": _ids([one.image_id for one in past]),
        "fingerprints": _ids([one.fingerprint for one in past]),
        "probes": _ids([one.probes_digest for one in past]),
        "retries": _column([one.retries for one in past]),
        "reported": _column(
            [reporters[one.run].name if one.run in reporters else "" for one in past]
        ),
        "first_bad": _past(first_bad) if first_bad else None,
        "flaky": bool(history and history.flaky),
    }


def _column(values: list[T]) -> T | list[T]:
    alike = bool(values) and values.count(values[0]) == len(values)
    return values[0] if alike else values


def _ids(values: list[str]) -> str | list[str]:
    found = _column(values)
    return _short(found) if isinstance(found, str) else list(map(_short, found))


def _short(ids: str) -> str:
    # An environment of several hosts has a fingerprint of several, joined.
    return "+".join(map(summary.short_id, ids.split("+")))


def _past(past: Past) -> Json:
    return {"run": past.run, "release": past.release, "at": past.finished_at.isoformat()}


def _waiver(judged: JudgedWaiver) -> Json:
    waiver = judged.waiver
    return {
        "probe": waiver.probe,
        "signature": waiver.signature,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "until": waiver.until.isoformat(),
        "state": judged.state.value,
    }


def _environments(report: Report) -> Json:
    findings = report.grid.findings.items()
    return {
        # Facts of no weight when two environments are compared.
        "ignored": sorted(PASSING),
        "environments": {name: _finding(report, finding) for name, finding in findings},
    }


def _finding(report: Report, finding: EnvironmentFinding) -> Json:
    return {
        "hosts": [_host(host) for host in finding.hosts],
        "drift": list(marks.drift(report, finding.environment)),
    }


def _host(host: HostFinding) -> Json:
    facts: dict[str, Fact] = dict(host.facts)
    return {
        "name": host.host,
        "facts": facts,
        "fault": {"reason": host.fault.reason, "message": host.fault.message}
        if host.fault
        else None,
        "deviations": list(host.deviations),
    }
