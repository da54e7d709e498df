"""How long measurements stay. Values, and the table that both stores go by.

| a cell of                                       | stays for           |
|-------------------------------------------------|---------------------|
| a run that goes on, or left something on a host | always              |
| any run, when it is the newest of its cell      | always              |
| any run, while a later run has taken it over    | always              |
| a run made for a release                        | ``release_seconds`` |
| any other run, unless PASSED or UNSUPPORTED     | ``failure_seconds`` |
| any other run                                   | ``run_seconds``     |

Counted from the start of the run. A run goes when none of its cells stays and it found out nothing
about an environment that was not found out again. Strips and histories stay.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from matrix.core.result import Run
from matrix.core.verdict import Verdict

DAY = 86400.0
#: Verdicts of which the evidence explains nothing.
DULL = frozenset({Verdict.PASSED, Verdict.UNSUPPORTED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Keep:
    """How long what is kept, in seconds."""

    run_seconds: float = 90 * DAY
    failure_seconds: float = 365 * DAY
    release_seconds: float = 3650 * DAY

    def until(self, run: Run, verdict: Verdict) -> datetime:
        """When a cell of *run* may go, unless it is kept always."""
        if run.release:
            seconds = self.release_seconds
        else:
            seconds = self.run_seconds if verdict in DULL else self.failure_seconds
        return run.started_at + timedelta(seconds=seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What went, or would go."""

    cells: int
    runs: int
    #: Long texts that nothing refers to any more; 0 where nothing was removed yet.
    texts: int
    #: Bytes of these, as they were kept.
    text_bytes: int
