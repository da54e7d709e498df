"""What a probe's process says about a probe, or about all of them: checked, since it may lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrix.core.result import Json, PlannedProbe, Side
from matrix.probing.judge import KINDS, OUTCOMES, WHENS, Evidence, Phase, Told
from matrix.probing.wire import BrokenWire, Message

PHASES_MOST = 1000
LINE_CAP = 500
TEXT_CAP = 70_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """One thing wrong in the probes' code."""

    #: Place in the copy, "" when unknown.
    place: str
    #: From 1; 0 when unknown.
    line: int
    message: str


def read_report(message: Message, told: Sequence[Told]) -> Evidence:
    """The evidence in a ``report``; raises BrokenWire."""
    phases = message.get("phases")
    if not isinstance(phases, list) or len(phases) > PHASES_MOST:
        raise BrokenWire("a report without a list of phases")
    return Evidence(
        phases=tuple(_phase(phase) for phase in phases),
        told=tuple(told),
        cut=message.get("cut") is not False,
    )


def read_output(message: Message) -> str:
    """What the probe has printed; raises BrokenWire."""
    return read_text(message, "output", TEXT_CAP)


def read_text(message: Mapping[str, Json], name: str, cap: int) -> str:
    """A text of at most *cap* characters that can be written as UTF-8; raises BrokenWire."""
    value = message.get(name, "")
    if not isinstance(value, str):
        raise BrokenWire(f"{name} is not text")
    return value[:cap].encode("utf-8", "backslashreplace").decode()


def read_probe(value: Json, files: Mapping[str, Path]) -> PlannedProbe:
    """One probe of a ``collected``, its file named by *files*; raises BrokenWire."""
    if not isinstance(value, dict) or not isinstance(requires := value.get("requires"), dict):
        raise BrokenWire("a probe that is not described")
    timeout, place = value.get("timeout"), value.get("file")
    if not isinstance(timeout, int | float) or place not in files:
        raise BrokenWire("a probe without its file or timeout")
    return PlannedProbe(
        id=read_text(value, "id", LINE_CAP),
        side=Side.OUTSIDE if value.get("side") == Side.OUTSIDE.value else Side.INSIDE,
        title=read_text(value, "title", LINE_CAP),
        warn=value.get("warn") is True,
        timeout_seconds=float(timeout),
        requires=requires,
        engines=_names(value.get("engines")),
        file=files[str(place)],
    )


def _names(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BrokenWire("engines that are no list of names")
    return tuple(str(one) for one in value)


def read_mistake(value: Json) -> Mistake:
    """One error of a ``collected``; raises BrokenWire."""
    if not isinstance(value, dict) or not isinstance(line := value.get("line"), int):
        raise BrokenWire("an error that is not described")
    place = read_text(value, "file", LINE_CAP)
    return Mistake(place=place, line=line, message=read_text(value, "message", LINE_CAP))


def _phase(value: Json) -> Phase:
    if not isinstance(value, dict):
        raise BrokenWire("a phase that is not an object")
    kind = value.get("kind", "")
    if value.get("when") not in WHENS or value.get("outcome") not in OUTCOMES:
        raise BrokenWire("a phase that does not exist")
    if (value["outcome"] == "passed") != (kind not in KINDS):
        raise BrokenWire("a phase with an outcome that does not exist")
    return Phase(
        when=str(value["when"]),
        outcome=str(value["outcome"]),
        kind=str(kind),
        reason=read_text(value, "reason", LINE_CAP),
        message=read_text(value, "message", LINE_CAP),
        detail=read_text(value, "detail", TEXT_CAP),
    )
