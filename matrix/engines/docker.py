"""Docker, and Podman behind the same API: all verbs of ``ports.Engine`` on one socket."""

from pathlib import Path

from matrix.engines.api import Api, Dialect
from matrix.engines.belongings import BelongingVerbs
from matrix.engines.containers import ContainerVerbs
from matrix.engines.images import ImageVerbs
from matrix.engines.observation import ObservationVerbs

DIALECTS = {
    "docker": Dialect(name="docker", program="docker", deviations=()),
    "podman": Dialect(
        name="podman",
        program="podman",
        deviations=("it keeps a container's log in one file, cut off at its size cap",),
    ),
}


class DockerEngine(ImageVerbs, ContainerVerbs, ObservationVerbs, BelongingVerbs):
    """One engine; its methods may be called from several threads."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def close(self) -> None:
        """Let go of the engine; never raises. Streams that are open stay so until closed."""
        self._api.close()


def open_docker(socket: Path, *, operation_seconds: float, connections: int) -> DockerEngine:
    """Docker on *socket*; raises EngineUnavailable."""
    return _open("docker", socket, operation_seconds, connections)


def open_podman(socket: Path, *, operation_seconds: float, connections: int) -> DockerEngine:
    """Podman on *socket*; raises EngineUnavailable."""
    return _open("podman", socket, operation_seconds, connections)


def _open(name: str, socket: Path, operation_seconds: float, connections: int) -> DockerEngine:
    api = Api(socket, DIALECTS[name], operation_seconds=operation_seconds, connections=connections)
    return DockerEngine(api)
