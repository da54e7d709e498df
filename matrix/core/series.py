"""The measurements of a cell, one after the other, and what they tell together. Pure.

| question  | answer                                                                             |
|-----------|------------------------------------------------------------------------------------|
| first bad | the oldest of the FAILED, ERROR and MISSING ones in a row up to now                |
| flaky     | the newest passed only after a retry; or there are two changes or more between     |
|           | pass and fail in the last ten for the newest's image and fingerprint               |

ERROR and MISSING say nothing about the service: they neither pass nor fail. Measurements whose
image or fingerprint is not known are compared with none.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice, pairwise, takewhile

from matrix.core.history import PANEL_LENGTH, STRIP_LENGTH, CellHistory, Past
from matrix.core.result import CellResult
from matrix.core.verdict import Verdict

BAD = frozenset({Verdict.FAILED, Verdict.ERROR, Verdict.MISSING})
GREEN = frozenset({Verdict.PASSED, Verdict.WARNED})
CLAIMS = GREEN | {Verdict.FAILED}
#: Changes between pass and fail that make a cell flaky: one may be a regression or its repair.
FLAKY_CHANGES = 2


def past_of(result: CellResult, *, run: str, release: str, begun_at: datetime) -> Past:
    """One measurement in short; *begun_at* of the run stands in for an end nobody knows."""
    return Past(
        run=run,
        release=release,
        verdict=result.verdict,
        reason=result.reason,
        finished_at=result.finished_at or begun_at,
        image_id=result.image_id,
        fingerprint=result.fingerprint,
        probes_digest=result.probes_digest,
        retries=len(result.attempts) - len({attempt.host for attempt in result.attempts}),
    )


def remember(known: CellHistory | None, newest: Past) -> CellHistory:
    """*known* with one more measurement; one of the same run is replaced by it."""
    if known is None:
        return history_of((newest,))
    before = tuple(past for past in known.past if past.run != newest.run)
    again = len(before) < len(known.past)
    # What lies further back than is kept is only known to who was told before.
    goes_on = known.first_bad if newest.verdict in BAD and not again else None
    return history_of((newest, *before), first_bad=goes_on)


def history_of(past: Sequence[Past], *, first_bad: Past | None = None) -> CellHistory:
    """The history from its measurements, newest first; *first_bad* where it is older than these."""
    return CellHistory(
        past=tuple(past[:PANEL_LENGTH]),
        first_bad=first_bad or first_bad_of(past),
        flaky=is_flaky(past),
    )


def first_bad_of(past: Iterable[Past]) -> Past | None:
    """The oldest of the bad ones in a row at the start of *past*, newest first."""
    return next(reversed(tuple(takewhile(lambda one: one.verdict in BAD, past))), None)


def is_flaky(past: Sequence[Past]) -> bool:
    """Whether the cell now passes and now fails though nothing changed, by the table above."""
    if not past:
        return False
    newest = past[0]
    if newest.verdict in GREEN and newest.retries > 0:
        return True
    claims = [one for one in past if one.verdict in CLAIMS]
    if not claims or not (claims[0].image_id and claims[0].fingerprint):
        return False
    same = (one for one in claims if _measured_for(one) == _measured_for(claims[0]))
    passed = [one.verdict in GREEN for one in islice(same, STRIP_LENGTH)]
    return sum(one != other for one, other in pairwise(passed)) >= FLAKY_CHANGES


def _measured_for(past: Past) -> tuple[str, str]:
    return past.image_id, past.fingerprint
