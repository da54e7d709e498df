"""The report as an in-toto statement: https://in-toto.io/attestation/test-result/v0.1.

The subjects are the images that were measured. ``result`` is PASSED or WARNED only when the gate is
open; what is not known to work counts as failed, and what was left out on purpose is in none of the
three lists. Every cell with our own verdict is in the annotations of the configuration.
"""

import json
import re
from collections.abc import Iterator

from matrix.core.grid import Door, Report
from matrix.core.result import Json
from matrix.core.verdict import Verdict
from matrix.report.summary import Place, places

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"

_IMAGE = re.compile("sha256:([0-9a-f]{64})")
_DIGEST = re.compile("[0-9a-f]{64}")
_NOT_KNOWN_TO_WORK = (Verdict.FAILED, Verdict.ERROR, Verdict.MISSING, Verdict.STALE)


def render(report: Report, *, width: int) -> str:
    """The statement as JSON, ending in a newline; *width* is of no use to it."""
    del width
    return json.dumps(statement(report), indent=1, ensure_ascii=False) + "\n"


def statement(report: Report) -> dict[str, object]:
    """The statement as JSON has it."""
    everything = tuple(places(report))
    return {
        "_type": STATEMENT,
        "subject": list(_subjects(everything)),
        "predicateType": PREDICATE,
        "predicate": {
            "result": _result(report, everything),
            "configuration": [_configuration(report, everything)],
            "passedTests": _named(everything, Verdict.PASSED),
            "warnedTests": _named(everything, Verdict.WARNED),
            "failedTests": _named(everything, *_NOT_KNOWN_TO_WORK),
        },
    }


def _subjects(everything: tuple[Place, ...]) -> Iterator[dict[str, Json]]:
    """Each image once, under the name of its service."""
    seen = set()
    for place in everything:
        result = place.cell.result
        image = _IMAGE.fullmatch(result.image_id) if result else None
        named = (place.service.name, image[1]) if image else None
        if named is not None and named not in seen:
            seen.add(named)
            yield {"name": named[0], "digest": {"sha256": named[1]}}


def _result(report: Report, everything: tuple[Place, ...]) -> str:
    if report.decision.door is not Door.OPEN:
        return Verdict.FAILED.value
    clean = all(place.cell.verdict in (Verdict.PASSED, Verdict.UNSUPPORTED) for place in everything)
    return Verdict.PASSED.value if clean else Verdict.WARNED.value


def _configuration(report: Report, everything: tuple[Place, ...]) -> dict[str, Json]:
    digest: dict[str, Json] = {}
    if _DIGEST.fullmatch(report.plan_digest):
        digest = {"digest": {"sha256": report.plan_digest}}
    return {
        "name": "plan",
        **digest,
        "annotations": {
            "project": report.project,
            "run": report.run,
            "release": report.release,
            "started": report.started_at.isoformat(),
            "finished": report.finished_at.isoformat() if report.finished_at else None,
            "gate": report.decision.door.value,
            "exitCode": report.decision.exit_code,
            "cells": {str(at.cell.cell): at.cell.verdict.value for at in everything},
        },
    }


def _named(everything: tuple[Place, ...], *verdicts: Verdict) -> list[str]:
    return [str(place.cell.cell) for place in everything if place.cell.verdict in verdicts]
