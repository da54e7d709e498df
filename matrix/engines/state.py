"""A container's state and counters out of the engine's answers. Pure.

Sources: ``GET /containers/{id}/json`` and ``GET /containers/{id}/stats`` of the Engine API.
"""

from collections.abc import Mapping
from typing import Any

from matrix.core.ports import ContainerState
from matrix.core.result import Json
from matrix.engines.description import full_id

# Answers of the engine are foreign JSON: whatever is there, and nothing is there for sure.
Answer = Mapping[str, Any]

NANOSECONDS = 1_000_000_000


def container_state(answer: Answer) -> ContainerState:
    """The state that *answer* tells."""
    state = answer.get("State") or {}
    return ContainerState(
        id=str(answer.get("Id", "")),
        name=str(answer.get("Name", "")).lstrip("/"),
        image_id=full_id(str(answer.get("Image", ""))),
        # A paused container runs; Podman says otherwise.
        running=bool(state.get("Running")) or bool(state.get("Paused")),
        paused=bool(state.get("Paused")),
        restarting=bool(state.get("Restarting")),
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        started_at=str(state.get("StartedAt", "")),
        error=str(state.get("Error") or ""),
        published=_published((answer.get("NetworkSettings") or {}).get("Ports") or {}),
        volumes=tuple(
            str(mount["Name"])
            for mount in answer.get("Mounts") or ()
            if mount.get("Type") == "volume" and mount.get("Name")
        ),
        raw=dict(answer),
    )


def counters(answer: Answer) -> dict[str, Json]:
    """One reading of a container's counters; None where the engine gives none."""
    memory = answer.get("memory_stats") or {}
    cpu = _number((answer.get("cpu_stats") or {}).get("cpu_usage") or {}, "total_usage")
    return {
        "memory_bytes": _memory(memory),
        "memory_limit_bytes": _number(memory, "limit"),
        "pids": _number(answer.get("pids_stats") or {}, "current"),
        "cpu_seconds": None if cpu is None else cpu / NANOSECONDS,
        "network_received_bytes": _network(answer, "rx_bytes"),
        "network_sent_bytes": _network(answer, "tx_bytes"),
    }


def _memory(memory: Answer) -> int | None:
    """Used memory without the page cache that can go, as ``docker stats`` counts it."""
    used, parts = _number(memory, "usage"), memory.get("stats") or {}
    if used is None:
        return None
    cache = _number(parts, "total_inactive_file") or _number(parts, "inactive_file") or 0
    return used - cache if cache < used else used


def _network(answer: Answer, counter: str) -> int | None:
    """Summed over the interfaces, which Podman calls ``network``."""
    interfaces = answer.get("networks") or answer.get("network")
    if not isinstance(interfaces, dict) or not interfaces:
        return None
    return sum(_number(one, counter) or 0 for one in interfaces.values() if isinstance(one, dict))


def _number(answer: Answer, key: str) -> int | None:
    value = answer.get(key)
    return value if isinstance(value, int) else None


def _published(ports: Answer) -> dict[int, tuple[str, int]]:
    """``{"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}]}`` by container port."""
    return {
        int(name.split("/")[0]): (str(bound[0]["HostIp"]), int(bound[0]["HostPort"]))
        for name, bound in ports.items()
        if bound
    }
