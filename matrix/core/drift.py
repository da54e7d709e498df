"""What differs between machines, and what changed on one of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from matrix.core.fingerprint import PASSING
from matrix.core.result import EnvironmentFinding, Fact, Facts


@dataclass(frozen=True, kw_only=True, slots=True)
class FactChange:
    """One fact of a host that is not what it was."""

    host: str
    fact: str
    #: None where it was not known, or not asked for, then.
    before: Fact
    after: Fact


def drift(before: EnvironmentFinding, after: EnvironmentFinding) -> tuple[FactChange, ...]:
    """Facts that matter and changed from one finding of an environment to the next.

    Facts that change by themselves (free disk, uptime …) do not count, and neither does a host that
    could not be measured in one of the two, or is in one of them only. In the order of the hosts of
    *after*, then by name of the fact.
    """
    known = {host.host: host.facts for host in before.hosts if host.facts}
    return tuple(
        FactChange(host=host.host, fact=fact, before=old, after=new)
        for host in after.hosts
        if host.facts and host.host in known
        for fact, (old, new) in differing({"old": known[host.host], "new": host.facts}).items()
    )


def drifts(
    newest: Mapping[str, EnvironmentFinding], earlier: Mapping[str, EnvironmentFinding]
) -> dict[str, tuple[FactChange, ...]]:
    """Environment name → what changed there from its *earlier* finding to its *newest* one.

    Without environments where nothing did, and those that were measured only once.
    """
    changes = {
        name: drift(earlier[name], found) for name, found in newest.items() if name in earlier
    }
    return {name: found for name, found in changes.items() if found}


def differing(machines: Mapping[str, Facts]) -> Mapping[str, tuple[Fact, ...]]:
    """Facts that matter and are not the same on all *machines*: name → the value on each of them.

    Values stand in the order of *machines*, names in that of the alphabet; a machine that does not
    have the fact has None.
    """
    names = sorted({name for facts in machines.values() for name in facts} - PASSING)
    rows = {name: tuple(facts.get(name) for facts in machines.values()) for name in names}
    return {name: row for name, row in rows.items() if len(set(map(repr, row))) > 1}
