"""Which lab hosts are one cluster."""

from pathlib import Path

from matrix.lab.plan import plan_lab
from matrix.lab.swarm import clusters

ROOT = Path("/project")
LAB = {
    "suite": "bookworm",
    "network": {"name": "compat-lab-open", "subnet": "10.213.77.0/24", "internal": False},
}


def a_host(name, last):
    return {
        "name": name,
        "connection": "ssh",
        "address": f"10.213.77.{last}",
        "user": "deploy",
        "identity_file": f".matrix/lab/keys/{name}",
        "known_hosts": ".matrix/lab/known_hosts",
    }


def test_the_members_of_a_cluster_are_those_of_its_environment_manager_first():
    tables = {
        "cluster": {"engine": "swarm", "hosts": [a_host("one", 21), a_host("two", 22)], "lab": LAB},
        "qa": {"engine": "docker", "hosts": [a_host("qa", 11)], "lab": LAB},
        "other": {"engine": "swarm", "hosts": [a_host("three", 23)], "lab": LAB},
    }
    plan = plan_lab({"environments": tables}, root=ROOT, inventory=ROOT / "lab.toml")
    found = [[host.name for host in members] for members in clusters(plan.hosts)]
    assert found == [["one", "two"], ["three"]]
