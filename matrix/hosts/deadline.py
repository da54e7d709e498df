"""One moment by which something must have happened."""

import time
from dataclasses import dataclass

from matrix.core.errors import DeadlineExceeded


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """A moment on the monotonic clock, shared by all the steps that have to be done by then."""

    #: Reading of ``time.monotonic`` at which it is too late.
    moment: float
    #: What has to be done by then, for the message.
    what: str

    @classmethod
    def after(cls, seconds: float, *, what: str) -> "Deadline":
        return cls(moment=time.monotonic() + seconds, what=what)

    def remaining(self) -> float:
        """Seconds left, more than 0; raises DeadlineExceeded when there are none."""
        left = self.moment - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(f"{self.what}: not done in time")
        return left

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.moment
