"""What a plan knows beforehand: requirements against what was measured in an earlier run."""

from dataclasses import replace

from builders.hosts import a_planned_cell

from matrix.core.foresight import foresee
from matrix.core.model import Host, Requirement
from matrix.core.plan import Plan
from matrix.core.requirements import sentence
from matrix.core.result import EnvironmentFinding, Fault, HostFinding

NEEDS = (Requirement(fact="memory_bytes", operator=">=", asked=2048),)


def planned(*hosts):
    cell = a_planned_cell()
    return replace(
        cell,
        service=replace(cell.service, requirements=NEEDS),
        environment=replace(
            cell.environment, hosts=tuple(Host(name=name, connection="local") for name in hosts)
        ),
    )


def found(*hosts, fault=None):
    return EnvironmentFinding(
        environment=a_planned_cell().cell.environment,
        hosts=tuple(
            HostFinding(host=name, facts=facts, fingerprint="f", fault=fault)
            for name, facts in hosts
        ),
    )


def foreseen(cell, finding):
    findings = {} if finding is None else {cell.cell.environment: finding}
    (one,) = foresee(Plan(cells=(cell,), digest="d"), findings)
    return one


def test_a_requirement_that_does_not_hold_says_what_was_asked_and_found():
    one = foreseen(planned("a"), found(("a", {"memory_bytes": 1024})))
    assert one.unknown == ()
    assert [sentence(some) for some in one.unmet["a"]] == [
        "memory_bytes: asked >= 2048, found 1024"
    ]


def test_where_all_requirements_hold_nothing_is_in_the_way():
    one = foreseen(planned("a"), found(("a", {"memory_bytes": 4096})))
    assert (one.unknown, one.unmet) == ((), {})


def test_of_several_hosts_each_is_told_apart():
    one = foreseen(
        planned("a", "b", "c"), found(("a", {"memory_bytes": 4096}), ("b", {"memory_bytes": 1}))
    )
    assert one.unknown == ("c",)
    assert list(one.unmet) == ["b"]


def test_of_a_host_that_was_never_asked_nobody_knows():
    assert foreseen(planned("a"), None).unknown == ("a",)


def test_of_a_host_that_was_faulty_nobody_knows():
    fault = Fault(reason="unreachable", message="it did not answer")
    one = foreseen(planned("a"), found(("a", {"memory_bytes": 1}), fault=fault))
    assert (one.unknown, one.unmet) == (("a",), {})


def test_a_fact_that_was_not_measured_meets_nothing():
    one = foreseen(planned("a"), found(("a", {"kernel": "6.1"})))
    assert [some.found for some in one.unmet["a"]] == ["unknown"]
