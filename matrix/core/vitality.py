"""Whether probes can fail at all: each must be red under a sabotage and green without it. Pure.

A probe is proven when both hold:

| without any sabotage | under the saboteurs that name it | proven                              |
|----------------------|----------------------------------|-------------------------------------|
| PASSED               | FAILED under one of them at least | yes                                |
| PASSED               | anything else under all of them  | no: what it was under each of them  |
| PASSED               | no saboteur names it             | no: nobody has tried                |
| anything else        |                                  | no: it says nothing yet             |

ERROR does not count as red: a sabotage that breaks the probe, and not what it looks at, proves
nothing. Of a probe that is declared to only warn, WARNED is what FAILED is of any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from matrix.core.fold import is_control
from matrix.core.result import PlannedProbe, ProbeResult
from matrix.core.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Strength:
    """How many of a service's probes are proven."""

    proven: int
    all: int
    #: Ids of the others.
    unproven: tuple[str, ...]
    measured_at: datetime

    def __str__(self) -> str:
        return f"{self.proven}/{self.all}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What is known about one probe."""

    probe: str
    title: str
    #: Names of the saboteurs that it was red under.
    red_under: tuple[str, ...]
    #: Why it is not proven, "" when it is.
    why: str

    @property
    def proven(self) -> bool:
        """Whether it was seen red and green."""
        return not self.why


@dataclass(frozen=True, kw_only=True, slots=True)
class Vitality:
    """What was found out about the probes of one service, for one image and set of probes."""

    service: str
    #: Where it was tried.
    environment: str
    #: Id of the service's image.
    image_id: str
    #: Hash of the probes' sources.
    probes_digest: str
    measured_at: datetime
    #: Every probe but the controls, in the order of the plan.
    proofs: tuple[Proof, ...]

    @property
    def strength(self) -> Strength:
        """Proven probes among all."""
        unproven = tuple(proof.probe for proof in self.proofs if not proof.proven)
        return Strength(
            proven=len(self.proofs) - len(unproven),
            all=len(self.proofs),
            unproven=unproven,
            measured_at=self.measured_at,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One saboteur at work."""

    #: Of the saboteur.
    name: str
    #: Ids of the probes it is for.
    probes: tuple[str, ...]
    #: Probe id → what came back.
    results: Mapping[str, ProbeResult]
    #: Why nothing came back, "" when something did.
    fault: str = ""


def prove(
    planned: Sequence[PlannedProbe],
    green: Mapping[str, ProbeResult],
    trials: Sequence[Trial],
    *,
    fault: str,
) -> tuple[Proof, ...]:
    """What is known about each of *planned*, by the table of this module.

    *green* are the results without any sabotage by probe id; *fault* says why there are none.
    """
    return tuple(
        _prove(probe, green.get(probe.id), trials, fault=fault)
        for probe in planned
        if not is_control(probe.id)
    )


def _prove(
    probe: PlannedProbe, green: ProbeResult | None, trials: Sequence[Trial], *, fault: str
) -> Proof:
    mine = [trial for trial in trials if probe.id in trial.probes]
    red = tuple(trial.name for trial in mine if _is_red(probe, trial.results.get(probe.id)))
    return Proof(
        probe=probe.id,
        title=probe.title,
        red_under=red,
        why=_not_green(green, fault) or ("" if red else _not_red(probe.id, mine)),
    )


def _is_red(probe: PlannedProbe, result: ProbeResult | None) -> bool:
    red = (Verdict.FAILED, Verdict.WARNED) if probe.warn else (Verdict.FAILED,)
    return result is not None and result.verdict in red


def _not_green(green: ProbeResult | None, fault: str) -> str:
    if green is not None and green.verdict is Verdict.PASSED:
        return ""
    return f"without any sabotage it is {_said(green, fault)}"


def _not_red(probe: str, trials: Sequence[Trial]) -> str:
    if not trials:
        return "no saboteur names it"
    said = (
        f'under "{trial.name}" it is {_said(trial.results.get(probe), trial.fault)}'
        for trial in trials
    )
    return "; ".join(said)


def _said(result: ProbeResult | None, fault: str) -> str:
    if result is None:
        return f"MISSING: {fault}" if fault else "MISSING"
    words = result.message or result.reason
    return f"{result.verdict.value}: {words}" if words else result.verdict.value
