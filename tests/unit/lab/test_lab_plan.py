"""The lab tables of an inventory, as values."""

from copy import deepcopy
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from matrix.core.errors import ConfigError, UsageError
from matrix.lab.plan import LabNetwork, LabPlan, choose, plan_lab

ROOT = Path("/project")
INVENTORY = ROOT / "inventories" / "lab.toml"
QA: dict[str, Any] = {
    "title": "QA server",
    "kind": "qa",
    "engine": "docker",
    "hosts": [
        {
            "name": "qa-1",
            "connection": "ssh",
            "address": "10.213.77.11",
            "user": "sudoer",
            "identity_file": "../.matrix/lab/keys/qa-1",
            "known_hosts": "../.matrix/lab/known_hosts",
            "engine_sudo": True,
            "carrier": "auto",
        }
    ],
    "lab": {
        "suite": "trixie",
        "network": {"name": "compat-lab-open", "subnet": "10.213.77.0/24", "internal": False},
        "memory": "1GiB",
        "pids": 400,
        "cgroup": 2,
        "sshd": ["MaxSessions 2"],
        "seeded": True,
    },
}
LAPTOP = {"engine": "docker", "hosts": [{"name": "laptop", "connection": "local"}]}


def a_plan(**environments: Any) -> LabPlan:
    return plan_lab({"environments": environments}, root=ROOT, inventory=INVENTORY)


def changed(*path: str, to: object) -> dict[str, Any]:
    """QA with one value changed."""
    table: Any = deepcopy(QA)
    place = table
    for key in path[:-1]:
        place = place[0][key] if isinstance(place, list) else place[key]
    place = place[0] if isinstance(place, list) else place
    place[path[-1]] = to
    return dict(table)


def test_a_host_is_all_that_its_tables_say():
    (host,) = a_plan(qa=QA).hosts
    assert host.container == "compat-lab-qa-1"
    assert host.address == IPv4Address("10.213.77.11")
    assert host.network == LabNetwork(
        name="compat-lab-open", subnet=IPv4Network("10.213.77.0/24"), internal=False
    )
    assert (host.memory_bytes, host.pids, host.cgroup) == (2**30, 400, 2)
    assert (host.sshd, host.seeded, host.engine_sudo) == (("MaxSessions 2",), True, True)
    assert host.identity_file == ROOT / ".matrix/lab/keys/qa-1"


def test_environments_without_a_lab_table_are_nobody_of_ours():
    assert [host.name for host in a_plan(laptop=LAPTOP, qa=QA).hosts] == ["qa-1"]


def test_a_host_may_be_made_otherwise_than_its_environment_says():
    pair = deepcopy(QA)
    pair["hosts"].append(
        {
            **pair["hosts"][0],
            "name": "qa-2",
            "address": "10.213.77.12",
            "engine": "podman",
            "lab": {"suite": "bookworm", "rootless": True},
        }
    )
    first, second = a_plan(qa=pair).hosts
    assert (first.engine, first.suite, first.rootless) == ("docker", "trixie", False)
    assert (second.engine, second.suite, second.rootless) == ("podman", "bookworm", True)
    assert (second.network, second.pids) == (first.network, 400)


def test_what_is_not_right_with_one_host_is_named_there():
    table = changed("hosts", "lab", to={"suite": "sarge"})
    with pytest.raises(ConfigError) as caught:
        a_plan(qa=table)
    assert [fault.key for fault in caught.value.faults] == ["environments.qa.hosts.0.lab.suite"]


def test_the_inventory_is_named_from_the_root():
    assert a_plan(qa=QA).inventory == "inventories/lab.toml"


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        pytest.param(("lab", "suite"), "sarge", "environments.qa.lab.suite", id="suite"),
        pytest.param(("lab", "memory"), "1 GB", "environments.qa.lab.memory", id="size"),
        pytest.param(("lab", "colour"), "red", "environments.qa.lab.colour", id="unknown key"),
        pytest.param(("lab", "cgroup"), 1, "environments.qa.lab.cgroup", id="cgroup"),
        pytest.param(
            ("lab", "sshd"), ["MaxSessions 2\nPermitRootLogin yes"], "environments.qa.lab.sshd.0",
            id="two options in one line",
        ),
        pytest.param(("lab", "network", "name"), "mx-net", "environments.qa.lab.network.name",
                     id="a name of another's objects"),
        pytest.param(("hosts", "name"), "../qa", "environments.qa.hosts.0.name", id="host name"),
        pytest.param(("hosts", "user"), "root", "environments.qa.hosts.0.user", id="user"),
        pytest.param(("hosts", "address"), "10.213.78.11", "environments.qa.hosts.address",
                     id="outside its network"),
        pytest.param(("hosts", "address"), "10.213.77.1", "environments.qa.hosts.address",
                     id="the machine's own address"),
        pytest.param(("hosts", "identity_file"), "/etc/passwd",
                     "environments.qa.hosts.identity_file", id="a key elsewhere"),
        pytest.param(("hosts", "known_hosts"), "../.matrix/lab/../../x",
                     "environments.qa.hosts.known_hosts", id="out by dots"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_named_by_file_and_key(path: tuple[str, ...], value: object, key: str):
    with pytest.raises(ConfigError) as caught:
        a_plan(qa=changed(*path, to=value))
    assert [(fault.file, fault.key) for fault in caught.value.faults] == [(str(INVENTORY), key)]


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        a_plan(qa=changed("lab", "suite", to="sarge"), other=changed("lab", "pids", to=-1))
    assert len(caught.value.faults) == 2


def test_two_hosts_cannot_have_one_address():
    other = changed("hosts", "name", to="qa-2")
    with pytest.raises(ConfigError, match="also that of qa-1"):
        a_plan(qa=QA, other=other)


def test_one_network_cannot_be_described_in_two_ways():
    other = changed("lab", "network", "internal", to=True)
    other["hosts"][0] |= {"name": "qa-2", "address": "10.213.77.12"}
    with pytest.raises(ConfigError, match="described alike everywhere"):
        a_plan(qa=QA, other=other)


def test_hosts_are_chosen_by_their_own_name_or_their_environments():
    other = changed("hosts", "name", to="host-2")
    other["hosts"][0]["address"] = "10.213.77.12"
    plan = a_plan(qa=QA, other=other)
    assert [host.name for host in choose(plan, ())] == ["qa-1", "host-2"]
    assert [host.name for host in choose(plan, ("qa",))] == ["qa-1"]
    assert [host.name for host in choose(plan, ("host-2",))] == ["host-2"]


def test_a_name_that_nobody_has_is_refused_with_those_known():
    with pytest.raises(UsageError, match=r"no lab host or environment staging.*known: qa, qa-1"):
        choose(a_plan(qa=QA), ("staging",))
