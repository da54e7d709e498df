"""A node of a cluster, with the cluster's manager beside it.

What runs on the node is reached as on any other machine. What the cluster has of it, services and
networks, is only known to a manager, so the connection and the tether of a node are two of each.
"""

from collections.abc import Sequence
from pathlib import Path

from matrix.core.errors import MatrixError
from matrix.core.ports import Connection, Stream, Tether


class NodeConnection:
    """``ports.Connection`` to a node; ``manager`` is the one to its manager, and closed with it."""

    def __init__(self, node: Connection, manager: Connection) -> None:
        self.node = node
        self.manager = manager

    def open_stream(self, argv: Sequence[str]) -> Stream:
        """Start a command on the node."""
        return self.node.open_stream(argv)

    def engine_socket(self) -> Path:
        """Carries the API of the node's own engine."""
        return self.node.engine_socket()

    def close(self) -> None:
        """Let go of both; never raises."""
        self.manager.close()
        self.node.close()


class NodeTether:
    """``ports.Tether`` of two guards with the same token, one on the manager, one on the node."""

    def __init__(self, node: Tether, manager: Tether) -> None:
        self._node = node
        self._manager = manager

    def check(self) -> None:
        """Raises what either of them raises."""
        self._node.check()
        try:
            self._manager.check()
        except MatrixError as error:
            raise type(error)(f"the cluster's manager: {error}") from error

    def close(self) -> None:
        """End both: the manager's first, for what it removes ends what is on the node."""
        self._manager.close()
        self._node.close()
