"""What differs between machines, and what changed on one of them."""

from matrix.core.drift import FactChange, differing, drift, drifts
from matrix.core.result import EnvironmentFinding, Facts, HostFinding


def a_finding(**hosts: Facts) -> EnvironmentFinding:
    return EnvironmentFinding(
        environment="qa",
        hosts=tuple(
            HostFinding(host=name, facts=facts, fingerprint="") for name, facts in hosts.items()
        ),
    )


def test_a_fact_that_changed_is_told_with_its_host_and_both_values():
    before = a_finding(one={"kernel": "6.1", "cpus": 2}, two={"kernel": "6.1"})
    after = a_finding(one={"kernel": "6.12", "cpus": 2}, two={"kernel": "6.1"})
    assert drift(before, after) == (
        FactChange(host="one", fact="kernel", before="6.1", after="6.12"),
    )


def test_what_changes_by_itself_is_no_drift():
    before = a_finding(one={"uptime_seconds": 3, "free_disk_bytes": 10, "hostname": "a"})
    after = a_finding(one={"uptime_seconds": 9, "free_disk_bytes": 7, "hostname": "b"})
    assert drift(before, after) == ()


def test_a_fact_that_came_or_went_is_drift():
    (change,) = drift(a_finding(one={"cpus": 2}), a_finding(one={"cpus": 2, "mtu": 1500}))
    assert (change.fact, change.before, change.after) == ("mtu", None, 1500)


def test_a_host_that_was_not_measured_says_nothing_of_drift():
    assert drift(a_finding(one={}), a_finding(one={"cpus": 2})) == ()
    assert drift(a_finding(one={"cpus": 2}), a_finding(one={})) == ()
    assert drift(a_finding(one={"cpus": 2}), a_finding(two={"cpus": 4})) == ()


def test_only_facts_that_differ_are_named_with_the_value_of_each_machine():
    machines = {"a": {"cpus": 2, "init": "sh"}, "b": {"cpus": 2}, "c": {"cpus": 4, "init": "sh"}}
    assert differing(machines) == {"cpus": (2, 2, 4), "init": ("sh", None, "sh")}


def test_true_is_not_one():
    assert differing({"a": {"ipv6": True}, "b": {"ipv6": 1}}) == {"ipv6": (True, 1)}


def test_only_environments_in_which_something_changed_have_drift():
    two, four = a_finding(one={"cpus": 2}), a_finding(one={"cpus": 4})
    found = drifts({"qa": four, "new": two, "same": two}, {"qa": two, "same": two})
    assert {name: [change.after for change in changes] for name, changes in found.items()} == {
        "qa": [4]
    }
