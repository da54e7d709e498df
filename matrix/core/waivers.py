"""Dated, reasoned exceptions to the gate. Values only; ``core.waiving`` holds them to a grid."""

from dataclasses import dataclass
from enum import Enum

from matrix.core.model import Waiver

__all__ = ["WHOLE", "JudgedWaiver", "Waiver", "WaiverState"]

#: Stands for the id of a probe where a cell failed as a whole: it exited, it was never ready.
WHOLE = "cell"


class WaiverState(Enum):
    """How a waiver stands against a grid."""

    #: Its failure is there, and it holds.
    USED = "used"
    #: Its cell is green, or not known to be FAILED now.
    UNUSED = "unused"
    #: Its end date is over.
    EXPIRED = "expired"
    #: The probe fails, but says something else.
    VOID = "void"


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedWaiver:
    """A waiver and how it stands."""

    waiver: Waiver
    state: WaiverState
