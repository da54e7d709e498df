"""Hosts joined to one cluster: Docker Swarm, with the first host of an environment as manager."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from docker import APIClient

from matrix.core.errors import HostError
from matrix.lab.inside import Answer, inside
from matrix.lab.plan import HostPlan

#: Seconds a node has to be ready after it joined.
READY_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.2
#: Where a manager listens for nodes.
_PORT = 2377


def clusters(hosts: Iterable[HostPlan]) -> tuple[tuple[HostPlan, ...], ...]:
    """The members of each swarm among *hosts*, manager first."""
    found: dict[str, list[HostPlan]] = {}
    for host in hosts:
        if host.engine == "swarm":
            found.setdefault(host.environment, []).append(host)
    return tuple(map(tuple, found.values()))


def join(client: APIClient, members: Sequence[HostPlan], report: Callable[[str], None]) -> None:
    """Make one cluster of *members*, whatever some of them are in already.

    Members that are in it stay. Raises HostError when a node does not get ready.
    """
    began = time.monotonic()
    manager, *workers = members
    if _asked(client, manager, "info", "--format", "{{.Swarm.ControlAvailable}}") != "true":
        _leave(client, manager)
        _asked(client, manager, "swarm", "init", "--advertise-addr", str(manager.address))
    nodes = _nodes(client, manager)
    strangers = [
        worker for worker in workers if nodes.get(_node_id(client, worker), "Down") != "Ready"
    ]
    if strangers:
        token = _asked(client, manager, "swarm", "join-token", "--quiet", "worker")
        for worker in strangers:
            _leave(client, worker)
            _asked(client, worker, "swarm", "join", "--token", token, f"{manager.address}:{_PORT}")
    ids = [_node_id(client, member) for member in members]
    _wait_until_ready(client, manager, ids)
    _forget_others(client, manager, ids)
    seconds = time.monotonic() - began
    report(f"lab: {manager.environment}: {len(members)} hosts in one swarm after {seconds:.1f} s")


def _wait_until_ready(client: APIClient, manager: HostPlan, ids: Sequence[str]) -> None:
    until = time.monotonic() + READY_SECONDS
    while not all(_nodes(client, manager).get(each) == "Ready" for each in ids):
        if time.monotonic() > until:
            raise HostError(f"lab: swarm of {manager.name}: not all of its nodes get ready")
        time.sleep(_LOOK_AGAIN_SECONDS)


def _forget_others(client: APIClient, manager: HostPlan, ids: Sequence[str]) -> None:
    """Nodes that were hosts before these were made anew; a manager that has not missed them yet
    says that they are ready."""
    for node in _nodes(client, manager):
        if node not in ids:
            _asked(client, manager, "node", "rm", "--force", node)


def _nodes(client: APIClient, manager: HostPlan) -> Mapping[str, str]:
    """Id of each node → "Ready", "Down" or what else the manager says of it."""
    said = _asked(client, manager, "node", "ls", "--format", "{{.ID}} {{.Status}}")
    return dict(line.split(" ", 1) for line in said.splitlines())


def _node_id(client: APIClient, member: HostPlan) -> str:
    return _asked(client, member, "info", "--format", "{{.Swarm.NodeID}}")


def _leave(client: APIClient, member: HostPlan) -> None:
    # That it is in no swarm is what is wanted, so that is no error.
    _run(client, member, "swarm", "leave", "--force")


def _asked(client: APIClient, member: HostPlan, *words: str) -> str:
    answer = _run(client, member, *words)
    if answer.status:
        raise HostError(f"lab host {member.name}: docker {' '.join(words[:2])}: {answer.text}")
    return answer.text


def _run(client: APIClient, member: HostPlan, *words: str) -> Answer:
    with inside(client, member) as within:
        return within.run(["docker", *words])
