"""Dated, reasoned exceptions to the gate. Values only; ``core.gate`` applies them."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from matrix.core.model import CellId


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """One failure of one cell that does not close the gate until its end date."""

    cell: CellId
    #: Id of the probe.
    probe: str
    #: Signature of the failure, see ``core.history.Cluster``; void when the failure has another.
    signature: str
    reason: str
    owner: str
    #: Last day on which it holds, in UTC.
    until: date


class WaiverState(Enum):
    """How a waiver stands against a grid."""

    #: Its failure is there, and it holds.
    USED = "used"
    #: Its cell is green.
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
