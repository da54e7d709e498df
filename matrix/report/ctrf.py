"""The report in the Common Test Report Format 1.0.0 (ctrf.io), one file per environment.

| verdict              | status  |
|----------------------|---------|
| PASSED, WARNED       | passed  |
| FAILED               | failed  |
| ERROR                | other   |
| MISSING, STALE       | pending |
| UNSUPPORTED          | skipped |

``rawStatus`` keeps our own word. The cells with their verdicts are in ``results.extra``.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain

from matrix.core.grid import Report
from matrix.core.result import Json
from matrix.core.text import neutralise
from matrix.core.verdict import Verdict
from matrix.report.cases import cases
from matrix.report.summary import Place, places

SPECIFICATION = "1.0.0"
STATUSES = ("passed", "failed", "skipped", "pending", "other")
STATUS = {
    Verdict.PASSED: "passed",
    Verdict.WARNED: "passed",
    Verdict.FAILED: "failed",
    Verdict.ERROR: "other",
    Verdict.MISSING: "pending",
    Verdict.STALE: "pending",
    Verdict.UNSUPPORTED: "skipped",
}
#: Characters kept of one case's text.
CASE_CHARACTERS = 8 * 1024


def render(report: Report, *, width: int) -> str:
    """The JSON document, ending in a newline; *width* is of no use to it."""
    del width
    everything = tuple(places(report))
    tests = list(chain.from_iterable(map(_tests, everything)))
    document = {
        "reportFormat": "CTRF",
        "specVersion": SPECIFICATION,
        "timestamp": report.started_at.isoformat(),
        "generatedBy": f"compat-matrix {report.version}",
        "results": {
            "tool": {"name": "compat-matrix", "version": report.version},
            "summary": _summary(report, tests),
            "tests": tests,
            "environment": _environment(report),
            "extra": {
                "run": report.run,
                "gate": report.decision.door.value,
                "exitCode": report.decision.exit_code,
                "cells": {str(at.cell.cell): at.cell.verdict.value for at in everything},
            },
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _summary(report: Report, tests: list[dict[str, Json]]) -> dict[str, Json]:
    start, stop = _milliseconds(report.started_at), _milliseconds(report.finished_at)
    counts: Mapping[str, Json] = {
        status: sum(test["status"] == status for test in tests) for status in STATUSES
    }
    return {"tests": len(tests), **counts, "start": start, "stop": max(start, stop)}


def _tests(place: Place) -> Iterator[dict[str, Json]]:
    for case in cases(place):
        test: dict[str, Json] = {
            "name": case.name or "?",
            "status": STATUS[case.verdict],
            "rawStatus": case.verdict.value,
            "duration": round(case.seconds * 1000),
            "suite": [place.environment.name, place.service.name],
        }
        if case.verdict is not Verdict.PASSED:
            test["message"] = f"{case.reason}: {case.message}" if case.reason else case.message
            test["trace"] = neutralise(case.text, limit=CASE_CHARACTERS)
        yield test


def _environment(report: Report) -> dict[str, Json]:
    names = ", ".join(environment.name for environment in report.grid.environments)
    return {
        "reportName": report.project,
        "appVersion": report.release,
        "testEnvironment": names,
    }


def _milliseconds(moment: datetime | None) -> int:
    return round(moment.timestamp() * 1000) if moment else 0
