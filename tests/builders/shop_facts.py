"""What was found out about the environments of the realistic report."""

from collections.abc import Iterator

from builders.reports import a_finding

from matrix.core.result import EnvironmentFinding, Facts, Fault


def facts(distribution: str, engine: str, *, architecture: str = "amd64") -> Facts:
    return {
        "distribution": distribution.partition(" ")[0].lower(),
        "distribution_version": distribution.partition(" ")[2],
        "architecture": architecture,
        "kernel": "6.1.0-28-amd64",
        "cpus": 4,
        "memory_bytes": 8_324_521_984,
        "disk_free_bytes": 61_203_283_968,
        "cgroup": "v2",
        "security": "apparmor, seccomp",
        "engine.name": "docker",
        "engine.version": engine,
        "engine.api": "1.45",
        "engine.storage_driver": "overlay2",
        "engine.runtime": "runc 1.1.12",
        "engine.rootless": False,
        "ipv6": True,
        "mtu": 1500,
        "dns": "10.0.0.2",
        "locale": "C.UTF-8",
        "clock_offset_seconds": 0.02,
        "sysctl.vm.overcommit_memory": None,
    }


def findings() -> Iterator[EnvironmentFinding]:
    yield a_finding("laptop", facts("Ubuntu 24.04", "27.3.1"))
    yield a_finding("dev", facts("Debian 12", "20.10.24"))
    yield a_finding(
        "qa",
        facts("Debian 13", "26.1.5+dfsg1"),
        deviations=("memory limits are accepted and ignored: no memory controller on cgroup v2",),
    )
    yield a_finding("prod", facts("Debian 12", "20.10.24"))
    yield a_finding(
        "cluster",
        facts("Debian 12", "26.1.5", architecture="arm64"),
        deviations=(
            "ports are published on every address: Swarm has no host address for them",
            "no-new-privileges cannot be asked for",
        ),
    )
    yield a_finding("cloud", facts("Amzn 2023", "25.0.8"))
    yield a_finding(
        "acme",
        {},
        fault=Fault(reason="unreachable", message="acme-1 (10.20.0.5:22) did not answer in 15 s"),
    )
