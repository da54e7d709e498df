"""Which of the planned probes can be run in an attempt, and what is said about the others. Pure.

| the probe                                   | is                                        |
|---------------------------------------------|-------------------------------------------|
| asks for facts that the host does not have  | UNSUPPORTED requirement                   |
| looks inside an image that has no shell     | UNSUPPORTED shell                         |
| is a control, and the image has no shell    | replaced by the control that looks from outside |
| anything else                               | run                                       |
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from matrix.core.errors import Unsupported
from matrix.core.requirements import needs_of_probe, sentence, unmet
from matrix.core.result import Facts, PlannedProbe, ProbeResult, Side
from matrix.core.verdict import Verdict

NO_SHELL = "shell"
WITHOUT_SHELL = "the image has no shell, so nothing can be run inside it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Supported:
    """The planned probes in two parts."""

    runnable: tuple[PlannedProbe, ...]
    left_out: tuple[ProbeResult, ...]


def split_probes(
    planned: Iterable[PlannedProbe],
    *,
    facts: Facts,
    has_shell: bool,
    outside_controls: Iterable[PlannedProbe],
) -> Supported:
    """Part *planned* by the table above; *outside_controls* have the ids of the usual ones."""
    probes = tuple(planned)
    if not has_shell:
        probes = tuple(_from_outside(probes, {one.id: one for one in outside_controls}))
    reasons = {probe.id: _objection(probe, facts, has_shell=has_shell) for probe in probes}
    return Supported(
        runnable=tuple(probe for probe in probes if reasons[probe.id] is None),
        left_out=tuple(
            _left_out(probe, *reason) for probe in probes if (reason := reasons[probe.id])
        ),
    )


def _from_outside(
    probes: Iterable[PlannedProbe], controls: Mapping[str, PlannedProbe]
) -> Iterator[PlannedProbe]:
    for probe in probes:
        yield controls.get(probe.id, probe)


def _objection(probe: PlannedProbe, facts: Facts, *, has_shell: bool) -> tuple[str, str] | None:
    if probe.side is Side.INSIDE and not has_shell:
        return NO_SHELL, WITHOUT_SHELL
    missing = unmet(needs_of_probe(probe), facts)
    if missing:
        return Unsupported.reason, "; ".join(sentence(one) for one in missing)
    return None


def _left_out(probe: PlannedProbe, reason: str, message: str) -> ProbeResult:
    return ProbeResult(
        id=probe.id,
        side=probe.side,
        title=probe.title,
        verdict=Verdict.UNSUPPORTED,
        reason=reason,
        message=message,
        seconds=0.0,
    )
