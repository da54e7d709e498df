"""Run a service where it is to run: one engine behind one local socket.

Every engine is a unix socket on this machine, its own or one that a connection carries.
"""

from importlib import import_module
from pathlib import Path

from matrix.core.errors import UsageError
from matrix.core.ports import Engine

#: Name of an engine → dotted path of what opens it; one more engine is one file and one row.
ENGINES: dict[str, str] = {
    "docker": "matrix.engines.docker:open_docker",
    "podman": "matrix.engines.docker:open_podman",
    "swarm": "matrix.engines.swarm:open_swarm",
}


def open_engine(
    name: str,
    socket: Path,
    *,
    manager: Path | None = None,
    operation_seconds: float = 30,
    connections: int = 4,
) -> Engine:
    """Open the engine that answers on *socket*; of a node of a cluster, *manager* is its manager's.

    *operation_seconds* bounds every operation, *connections* how many sockets are kept for plain
    requests; each open exec or attach takes one more for as long as it is held.
    Raises UsageError for a name that is not in ENGINES and EngineUnavailable when nothing answers.
    """
    if name not in ENGINES:
        raise UsageError(f'unknown engine "{name}" (known: {", ".join(ENGINES)})')
    module, _, opener = ENGINES[name].partition(":")
    engine: Engine = getattr(import_module(module), opener)(
        socket,
        operation_seconds=operation_seconds,
        connections=connections,
        **({} if manager is None else {"manager": manager}),
    )
    return engine
