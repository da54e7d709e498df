"""Docker, and Podman behind the same API: all verbs of ``ports.Engine`` on one socket."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from matrix.core.ports import ContainerState
from matrix.engines.api import Api, Dialect, quoted
from matrix.engines.belongings import BelongingVerbs
from matrix.engines.containers import ContainerVerbs
from matrix.engines.images import ImageVerbs
from matrix.engines.observation import ObservationVerbs
from matrix.engines.wire import Refused

DIALECTS = {
    "docker": Dialect(name="docker", program="docker", deviations=(), loads_parts=True),
    "podman": Dialect(
        name="podman",
        program="podman",
        deviations=("it keeps a container's log in one file, cut off at its size cap",),
        loads_parts=False,
    ),
}


class DockerEngine(ImageVerbs, ContainerVerbs, ObservationVerbs, BelongingVerbs):
    """One engine; its methods may be called from several threads."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def close(self) -> None:
        """Let go of the engine; never raises. Streams that are open stay so until closed."""
        self._api.close()


class PodmanEngine(DockerEngine):
    """Podman, where its answer in Docker's form leaves something out that its own form has."""

    def inspect_container(self, container: str) -> ContainerState | None:
        """The container's state, with the size cap of its log in ``HostConfig.LogConfig.Size``."""
        state = super().inspect_container(container)
        if state is None:
            return None
        try:
            own = self._api.ask(f"libpod/containers/{quoted(state.id)}/json")
        except (Refused, requests.RequestException):
            # It went meanwhile, or is too busy: what is known stays true without the log's size.
            return state
        log = (own.get("HostConfig") or {}).get("LogConfig") or {}
        return replace(state, raw=_with_log_size(state.raw, log.get("Size")))


def _with_log_size(raw: Mapping[str, Any], size: object) -> dict[str, Any]:
    host_config = dict(raw.get("HostConfig") or {})
    host_config["LogConfig"] = {**(host_config.get("LogConfig") or {}), "Size": size}
    return {**raw, "HostConfig": host_config}


def open_docker(socket: Path, *, operation_seconds: float, connections: int) -> DockerEngine:
    """Docker on *socket*; raises EngineUnavailable."""
    return DockerEngine(_api("docker", socket, operation_seconds, connections))


def open_podman(socket: Path, *, operation_seconds: float, connections: int) -> DockerEngine:
    """Podman on *socket*; raises EngineUnavailable."""
    return PodmanEngine(_api("podman", socket, operation_seconds, connections))


def _api(name: str, socket: Path, operation_seconds: float, connections: int) -> Api:
    return Api(socket, DIALECTS[name], operation_seconds=operation_seconds, connections=connections)
