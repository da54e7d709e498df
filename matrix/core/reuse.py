"""Whether an earlier answer is taken over instead of measuring a cell again. Pure.

It is when all of these hold for the newest answer of the cell:

| what                | must be                                                            |
|---------------------|--------------------------------------------------------------------|
| verdict             | PASSED: anything else is worth another look                        |
| image id            | known, and the one that is asked for now                           |
| hash of the probes  | known, and the one of now                                          |
| hash of settings    | known, and the one of now                                          |
| fingerprint         | known, and what the environment's facts come to now                |
| age                 | at most what the policy allows, counted from the measurement       |
| chance              | not drawn for the audit                                            |

All but the fingerprint is known before a host is asked. An answer that was taken over before
counts from the run that measured it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from matrix.core.model import CellId
from matrix.core.plan import PlannedCell
from matrix.core.planning import plain_value
from matrix.core.reading import CLOCKS_DIFFER
from matrix.core.result import CellResult
from matrix.core.verdict import Verdict

#: Age up to which results are taken over where the policy does not say.
REUSE_SECONDS = 7 * 86400.0


def settings_digest(planned: PlannedCell, image_ids: Mapping[str, str], *, version: str) -> str:
    """Hash of all that is declared about a cell, beside its own image and its probes' sources.

    What the service is run with, its companions with the ids of their images, where the hosts of
    the environment are, and the program's own *version*. No path goes into it.
    """
    environment = planned.environment
    content = {
        "service": plain_value(planned.service),
        "companions": {
            one.name: image_ids.get(one.image, "") for one in planned.service.companions
        },
        "engine": environment.engine,
        "hosts": plain_value(environment.hosts),
        "version": version,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def worth_keeping(
    planned: Iterable[PlannedCell],
    newest: Mapping[CellId, tuple[str, CellResult]],
    *,
    image_ids: Mapping[str, str],
    probes_digests: Mapping[str, str],
    settings_digests: Mapping[CellId, str],
    now: datetime,
    seconds: float,
) -> Mapping[CellId, CellResult]:
    """The answers that hold as far as can be said before a host is asked.

    *newest* has run id and result by cell, *image_ids* are by image, *probes_digests* by service.
    Each says in ``reused_from`` which run measured it.
    """
    kept = {}
    for one in planned:
        run, result = newest.get(one.cell, ("", None))
        if result is None or result.verdict is not Verdict.PASSED:
            continue
        then = (result.image_id, result.probes_digest, result.settings_digest)
        asked = (
            image_ids.get(one.service.image, ""),
            probes_digests.get(one.service.name, ""),
            settings_digests.get(one.cell, ""),
        )
        if all(asked) and then == asked and _is_young(result, now=now, seconds=seconds):
            kept[one.cell] = replace(result, reused_from=result.reused_from or run)
    return kept


def drawn(run: str, cells: Iterable[CellId], *, share: float) -> frozenset[CellId]:
    """The cells that are measured all the same, to see whether reuse tells the truth.

    Each is drawn with the chance *share*, 0 to 1, by a hash over *run* and its id: another run
    draws others, the same run the same.
    """
    return frozenset(cell for cell in cells if _chance(f"{run} {cell}") < share)


def _is_young(result: CellResult, *, now: datetime, seconds: float) -> bool:
    if result.finished_at is None:
        return False
    age = now - result.finished_at
    return -CLOCKS_DIFFER <= age <= timedelta(seconds=seconds)


def _chance(text: str) -> float:
    """A number from 0 up to 1 that is different for different texts and the same for the same."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
