"""Docker Swarm: a container of ours is a service of one task, held on one node of the cluster.

The manager makes and removes services and overlay networks; what runs is looked at, and commands
are run in it, through the engine of the node, where the task's container lives. An id of a
container is that of its service. ``docs/decisions/0007`` has the reasons.
"""

import json
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from matrix.core.errors import (
    DeliveryFailed,
    EngineUnavailable,
    LeftoverError,
    MatrixError,
    NameConflict,
    NetworkFault,
    UsageError,
)
from matrix.core.ports import (
    ContainerSpec,
    ContainerState,
    EngineInfo,
    EngineObject,
    Stream,
)
from matrix.core.result import Fact, Json
from matrix.engines.api import ABSENT, Api, Dialect, quoted
from matrix.engines.containers import VERBS
from matrix.engines.docker import DockerEngine
from matrix.engines.faults import said_by_engine, translated
from matrix.engines.images import ImageVerbs
from matrix.engines.state import container_state, counters
from matrix.engines.swarm_spec import (
    DEVIATIONS,
    NO_NEW_PRIVILEGES_FROM,
    NO_PRIVILEGES_DEVIATION,
    service_payload,
    volumes_of,
)
from matrix.engines.swarm_tasks import LOOK_AGAIN_SECONDS, SERVICE_LABEL, Tasks
from matrix.engines.wire import Refused

# Answers of the engine are foreign JSON: whatever is there, and nothing is there for sure.
Answer = Mapping[str, Any]

DIALECT = Dialect(name="swarm", program="docker", deviations=DEVIATIONS, loads_parts=True)
#: How long a task that ends may hold on to its network.
LET_GO_SECONDS = 10.0


class SwarmEngine(ImageVerbs):
    """One node of a swarm; its methods may be called from several threads."""

    def __init__(self, node: Api, manager: Api) -> None:
        self._api = node
        self._node = DockerEngine(node)
        self._manager = manager
        self._node_id = _node_id(node, manager)
        self._tasks = Tasks(node, manager, self._node_id)

    def create_network(self, name: str, *, labels: Mapping[str, str]) -> str:
        """Make an overlay network that others may attach to; one we made is taken again."""
        try:
            with translated(f"creating network {name}", otherwise=NetworkFault):
                made = self._manager.client.create_network(
                    name,
                    driver="overlay",
                    check_duplicate=True,
                    attachable=True,
                    scope="swarm",
                    labels=dict(labels),
                )
                return str(made["Id"])
        except NameConflict:
            return self._adopt("network", name, labels)

    def create_container(self, spec: ContainerSpec) -> str:
        """Create a service without a task; returns its id. One that we made is taken again."""
        if self.inspect_image(spec.image_id) is None:
            raise DeliveryFailed(f"creating service {spec.name}: no such image: {spec.image_id}")
        payload = service_payload(spec, node=self._node_id)
        try:
            with translated(f"creating service {spec.name}"):
                return str(self._manager.post("services/create", payload)["ID"])
        except NameConflict:
            return self._adopt("service", spec.name, spec.labels)

    def control(self, container: str, verb: str, *, seconds: float = 10.0) -> None:
        """Carry out *verb*: started by the cluster, all else by the engine of the node."""
        if verb not in VERBS:
            raise UsageError(f'a container has no verb "{verb}" (known: {", ".join(VERBS)})')
        what = f"{verb} of container {container}"
        if verb == "start":
            self._tasks.start(container, what)
            return
        self._node.control(
            self._tasks.container(container, what),
            "stop" if verb == "restart" else verb,
            seconds=seconds,
        )
        if verb == "restart":
            self._tasks.start(container, what)

    def open_exec(self, container: str, argv: Sequence[str], *, user: str = "") -> Stream:
        """Start a command in a running container, on its node."""
        held = self._tasks.container(container, f"running {argv[0]} in container {container}")
        return self._node.open_exec(held, argv, user=user)

    def attach(self, container: str) -> Stream:
        """The output of the container's main process from now on; it must be running."""
        return self._node.attach(
            self._tasks.container(container, f"attaching to container {container}")
        )

    def inspect_container(self, container: str) -> ContainerState | None:
        """The state of the service's container on this node.

        Raises Moved when the cluster has taken the task away.
        """
        service = self._manager.find("service", container)
        if service is None:
            return None
        identity, name = str(service["ID"]), str(service["Spec"]["Name"])
        self._tasks.check_place(identity, name)
        found = self._tasks.found(identity)
        answer = self._api.find("container", found) if found else None
        if answer is None:
            return None if self._tasks.has_started(identity) else _idle(service)
        state = container_state(answer)
        volumes = (*volumes_of(service), *state.volumes)
        return replace(state, id=identity, name=name, volumes=tuple(dict.fromkeys(volumes)))

    def logs(self, container: str, *, tail: int, cap_bytes: int) -> bytes:
        """The last lines of the service's outputs, those of its earlier tasks on this node before
        those of the last one, as ``docker service logs`` has them; b"" for one never started."""
        identity = self._tasks.identity(container, f"reading the log of {container}")
        kept: list[bytes] = []
        for one in self._tasks.containers(SERVICE_LABEL, identity):
            if len(kept) >= tail or sum(map(len, kept)) >= cap_bytes:
                break
            said = self._node.logs(one, tail=tail - len(kept), cap_bytes=cap_bytes)
            kept = [*said.splitlines(keepends=True), *kept]
        return b"".join(kept)[-cap_bytes:]

    def stats(self, container: str) -> Mapping[str, Json]:
        """One reading of the counters, by the engine of the node."""
        found = self._tasks.found(
            self._tasks.identity(container, f"reading the counters of {container}")
        )
        return self._node.stats(found) if found else counters({})

    def copy_out(self, container: str, path: str, *, cap_bytes: int) -> bytes:
        """Content of one regular file, by the engine of the node."""
        held = self._tasks.container(container, f"copying {path} out of {container}")
        return self._node.copy_out(held, path, cap_bytes=cap_bytes)

    def describe(self) -> EngineInfo:
        """What the node says about itself and the manager about it; raises EngineUnavailable."""
        info = self._node.describe()
        with translated("asking the manager about the node", gone=EngineUnavailable):
            node = self._manager.ask(f"nodes/{self._node_id}")
            nodes = self._manager.ask_all("nodes")
        availability = str((node.get("Spec") or {}).get("Availability"))
        state = str((node.get("Status") or {}).get("State"))
        if (availability, state) != ("active", "ready"):
            raise EngineUnavailable(
                f"node {info.id} takes no tasks: it is {state}, {availability} in its swarm"
            )
        cluster: dict[str, Fact] = {
            "engine.role": str((node.get("Spec") or {}).get("Role")),
            "engine.nodes": len(nodes),
            "engine.manager_api": self._manager.version,
        }
        oldest = min(map(_numbers, (self._api.version, self._manager.version)))
        old = oldest < NO_NEW_PRIVILEGES_FROM
        return replace(
            info,
            facts={**info.facts, **cluster},
            deviations=(*info.deviations, *([NO_PRIVILEGES_DEVIATION] if old else [])),
        )

    def list_objects(self, *, label: str) -> tuple[EngineObject, ...]:
        """Services and networks of the cluster, volumes of the node, and what is left of tasks."""
        filters = json.dumps({"label": [label]})
        with translated(f"listing what carries {label}"):
            services = self._manager.ask_all("services", filters=filters)
            networks = self._manager.ask_all("networks", filters=filters)
        known = {one["ID"] for one in services}
        here = self._node.list_objects(label=label)
        return (
            *(_service_object(one) for one in services),
            *(
                one
                for one in here
                if one.kind == "container" and one.labels.get(SERVICE_LABEL) not in known
            ),
            *(_network_object(one) for one in networks),
            *(one for one in here if one.kind == "volume"),
        )

    def find_object(self, kind: str, reference: str) -> EngineObject | None:
        """The object of that id or name, whoever made it; None when there is none."""
        if kind == "container" and (service := self._manager.find("service", reference)):
            return _service_object(service)
        if kind == "network" and (network := self._manager.find("network", reference)):
            return _network_object(network)
        return self._node.find_object(kind, reference)

    def remove_object(self, kind: str, reference: str) -> None:
        """Remove one object and look until it is gone; gone already is fine.

        A container goes with its service and volumes. Raises LeftoverError.
        """
        if kind == "container" and (service := self._manager.find("service", reference)):
            self._remove_service(service)
        elif kind == "network" and (network := self._manager.find("network", reference)):
            self._remove_network(network)
        else:
            if kind == "image":
                self._check_unused(reference)
            self._node.remove_object(kind, reference)

    def close(self) -> None:
        """Let go of the node and the manager; never raises."""
        self._node.close()
        if self._manager is not self._api:
            self._manager.close()

    def _remove_service(self, service: Answer) -> None:
        identity = str(service["ID"])
        words = _delete(self._manager, f"services/{identity}")
        self._tasks.forget(identity)
        until = time.monotonic() + self._api.seconds
        while (left := self._tasks.containers(SERVICE_LABEL, identity)) or self._tasks.of(identity):
            if time.monotonic() >= until:
                raise _leftover("container", identity, words or "its task does not end", left)
            for container in left:
                # By the cluster it takes as long as it takes to stop.
                self._node.remove_object("container", container)
            time.sleep(LOOK_AGAIN_SECONDS)
        if self._manager.find("service", identity) is not None:
            raise _leftover("container", identity, words, ())
        for volume in volumes_of(service):
            self._node.remove_object("volume", volume)

    def _remove_network(self, network: Answer) -> None:
        identity = str(network["Id"])
        labels = (network.get("Labels") or {}).items()
        with translated(f"looking who is on network {identity}"):
            services = self._manager.ask_all("services")
        for one in services:
            targets = {each.get("Target") for each in _template(one).get("Networks") or ()}
            if identity in targets and labels & (one["Spec"].get("Labels") or {}).items():
                self._remove_service(one)
        until = time.monotonic() + LET_GO_SECONDS
        while True:
            words = _delete(self._manager, f"networks/{quoted(identity)}")
            if self._manager.find("network", identity) is None:
                return
            if time.monotonic() >= until:
                raise _leftover("network", identity, words, ())
            time.sleep(LOOK_AGAIN_SECONDS)

    def _check_unused(self, image: str) -> None:
        """A service that has no task yet does not hold its image; we do it instead."""
        with translated(f"looking who uses image {image}"):
            services = self._manager.ask_all("services")
        for one in services:
            places = (_template(one).get("Placement") or {}).get("Constraints") or ()
            here = not places or f"node.id=={self._node_id}" in places
            if here and _template(one).get("ContainerSpec", {}).get("Image") == image:
                name = one["Spec"]["Name"]
                raise _leftover("image", image, f"service {name} is made from it", ())

    def _adopt(self, kind: str, name: str, labels: Mapping[str, str]) -> str:
        found = self._manager.find(kind, name) or {}
        own = found.get("Labels") or (found.get("Spec") or {}).get("Labels") or {}
        if labels and all(own.get(key) == value for key, value in labels.items()):
            return str(found.get("Id") or found["ID"])
        said = "container" if kind == "service" else kind
        raise NameConflict(f"the name {name} is taken by a {said} that is not ours")


def open_swarm(
    socket: Path, *, operation_seconds: float, connections: int, manager: Path | None = None
) -> SwarmEngine:
    """The node whose engine is on *socket*, in the swarm of *manager*; None: it is one itself.

    Raises EngineUnavailable when either does not answer, or the node is none of the manager's.
    """

    def open_api(path: Path) -> Api:
        return Api(path, DIALECT, operation_seconds=operation_seconds, connections=connections)

    node = open_api(socket)
    try:
        return SwarmEngine(node, node if manager in {None, socket} else open_api(manager or socket))
    except MatrixError:
        node.close()
        raise


def _node_id(node: Api, manager: Api) -> str:
    """The node's id in the swarm; raises EngineUnavailable when it is in no swarm of *manager*."""
    with translated("asking for the swarm", otherwise=EngineUnavailable, gone=EngineUnavailable):
        swarm = node.ask("info").get("Swarm") or {}
        identity = str(swarm.get("NodeID") or "")
        if swarm.get("LocalNodeState") != "active" or not identity:
            raise EngineUnavailable(
                f"the engine is in no swarm: it is {swarm.get('LocalNodeState') or 'inactive'}"
            )
        manager.ask(f"nodes/{identity}")
    return identity


def _delete(api: Api, path: str) -> str:
    """Ask for it to be removed; returns what is said against it, "" for nothing."""
    with translated(f"removing {path}"):
        try:
            api.delete(path)
        except Refused as error:
            return "" if error.status == ABSENT else said_by_engine(error) or str(error)
    return ""


def _leftover(kind: str, identity: str, words: str, containers: Sequence[str]) -> LeftoverError:
    commands = {"container": "service rm", "network": "network rm", "image": "image rm"}
    remedy = f"{DIALECT.program} {commands[kind]} {shlex.quote(identity)}"
    if containers:
        remedy = f"{DIALECT.program} rm --force --volumes {shlex.join(containers)}"
    why = words or "the cluster says it is removed but still has it"
    return LeftoverError(f"{kind} {identity} is left: {why}", remedy=remedy)


def _idle(service: Answer) -> ContainerState:
    """A service that was not started yet, as the container it will be."""
    container = _template(service).get("ContainerSpec") or {}
    return ContainerState(
        id=str(service["ID"]),
        name=str(service["Spec"]["Name"]),
        image_id=str(container.get("Image", "")),
        running=False,
        paused=False,
        restarting=False,
        exit_code=0,
        oom_killed=False,
        started_at="",
        error="",
        published={},
        volumes=volumes_of(service),
        raw=dict(service),
    )


def _service_object(service: Answer) -> EngineObject:
    spec = service["Spec"]
    labels = dict(spec.get("Labels") or {})
    return EngineObject(kind="container", id=service["ID"], name=spec["Name"], labels=labels)


def _network_object(network: Answer) -> EngineObject:
    labels = dict(network.get("Labels") or {})
    return EngineObject(kind="network", id=network["Id"], name=network["Name"], labels=labels)


def _template(service: Answer) -> Answer:
    template: Answer = service["Spec"].get("TaskTemplate") or {}
    return template


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
