"""The tasks of a swarm's services, and the containers that they are on one node.

A service of ours has no task until it is started, and one after that; a task that has ended stays
what it is, so a service is started again by a new one.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from matrix.core.errors import ContainerLost, EngineError, Moved
from matrix.engines.api import ABSENT, Api
from matrix.engines.faults import judge, translated
from matrix.engines.swarm_spec import started
from matrix.engines.wire import Refused

# Answers of the engine are foreign JSON: whatever is there, and nothing is there for sure.
Answer = Mapping[str, Any]

SERVICE_LABEL = "com.docker.swarm.service.id"
TASK_LABEL = "com.docker.swarm.task.id"
#: Between two looks at what the cluster does in its own time.
LOOK_AGAIN_SECONDS = 0.05
#: How long the cluster may take to find a place for a task; there is only one that fits, and a
#: manager on a busy machine was seen to take more than ten seconds to look at it.
PLACE_SECONDS = 30.0
#: States of a task (Engine API, TaskState): before it has a place, when it did not start, and when
#: its container has ended by itself.
UNPLACED = ("new", "pending")
NOT_STARTED = ("failed", "rejected")
ENDED = ("complete", "failed", "rejected")
#: What a task should come to (DesiredState) as long as the cluster leaves it where it is.
WANTED = ("ready", "accepted", "running")
#: ``StartedAt`` of a container that was never started.
NEVER = "0001-01-01"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """The task that we have started for a service."""

    id: str
    container: str


class Tasks:
    """Tasks of services on the node *node_id*; may be used from several threads."""

    def __init__(self, node: Api, manager: Api, node_id: str) -> None:
        self._node = node
        self._manager = manager
        self._node_id = node_id
        #: Service → its task, for those that were started here.
        self._started: dict[str, Task] = {}

    def has_started(self, service: str) -> bool:
        """Whether we have started it."""
        return service in self._started

    def forget(self, service: str) -> None:
        """It is being removed."""
        self._started.pop(service, None)

    def start(self, container: str, what: str) -> None:
        """Ask for a new task and wait until its container has been started here."""
        with translated(what):
            service = self.service(container, what)
            identity = str(service["ID"])
            if self.is_running(identity):
                return
            spec = self._ask_for_another(identity)
            task = self._wait_until_started(identity, spec["TaskTemplate"]["ForceUpdate"], what)
            self._started[identity] = task
            self._forbid_swap(task.container, spec)

    def _ask_for_another(self, service: str) -> Answer:
        """Update the service; returns what was asked. The manager writes down meanwhile how far it
        is with the update before, and takes none that has not seen that."""
        until = time.monotonic() + self._manager.seconds
        while True:
            found = self._manager.ask(f"services/{service}")
            spec, version = started(found["Spec"]), int(found["Version"]["Index"])
            try:
                self._manager.post(f"services/{service}/update", spec, version=version)
            except Refused as error:
                if b"out of sequence" not in error.body or time.monotonic() >= until:
                    raise
                time.sleep(LOOK_AGAIN_SECONDS)
            else:
                return spec

    def _wait_until_started(self, service: str, number: int, what: str) -> Task:
        began = time.monotonic()
        while True:
            tasks = self.of(service)
            task = next((one for one in tasks if _number_of(one) == number), None)
            if task is not None:
                found = next(iter(self.containers(TASK_LABEL, task["ID"])), "")
                answer = self._node.find("container", found) if found else None
                if answer and not str(answer["State"].get("StartedAt")).startswith(NEVER):
                    return Task(id=str(task["ID"]), container=found)
            self._check_start(task, time.monotonic() - began, what)
            time.sleep(LOOK_AGAIN_SECONDS)

    def _check_start(self, task: Answer | None, seconds: float, what: str) -> None:
        """Raises why a task will not start, once that is known."""
        status = (task or {}).get("Status") or {}
        state, words = str(status.get("State") or "new"), _words(status)
        if state in NOT_STARTED:
            raise judge(words, EngineError)(f"{what}: {words}")
        if task is not None and (task.get("NodeID") or self._node_id) != self._node_id:
            raise Moved(f"{what}: the cluster runs it on another node, {task['NodeID']}")
        if seconds > (PLACE_SECONDS if state in UNPLACED else self._node.seconds):
            raise EngineError(f"{what}: after {seconds:.0f} s the task is {state}: {words}")

    def _forbid_swap(self, container: str, spec: Answer) -> None:
        """A service has no such limit, its container on the node has."""
        memory = spec["TaskTemplate"]["Resources"]["Limits"]["MemoryBytes"]
        if self._node.ask("info").get("SwapLimit"):
            limits = {"Memory": memory, "MemorySwap": memory}
            with suppress(Refused):  # a container that has ended by now needs no limit
                self._node.post(f"containers/{container}/update", limits)

    def check_place(self, service: str, name: str) -> None:
        """Raises Moved when the cluster ends the task that we started, or has done so."""
        held = self._started.get(service)
        if held is None:
            return
        task = self._manager.find("task", held.id) or {}
        state = str((task.get("Status") or {}).get("State", "removed"))
        if state in ENDED or task.get("DesiredState") in WANTED:
            return
        others = {
            str(one.get("NodeID")) for one in self.of(service) if one.get("DesiredState") in WANTED
        } - {self._node_id, "None", ""}
        where = f" to node {', '.join(sorted(others))}" if others else ""
        raise Moved(
            f"container {name} was moved by its cluster, off node {self._node_id}{where}: "
            f"its task is {state}, and not by our doing"
        )

    def service(self, reference: str, what: str) -> Answer:
        """What the manager says of a service; raises ContainerLost when there is none."""
        service = self._manager.find("service", reference)
        if service is None:
            raise ContainerLost(f"{what}: there is no such service any more")
        return service

    def identity(self, reference: str, what: str) -> str:
        """The id of a service by its id or name; raises ContainerLost."""
        return reference if reference in self._started else str(self.service(reference, what)["ID"])

    def found(self, service: str) -> str:
        """The container on this node that the service has now, or had last; "" for none."""
        held = self._started.get(service)
        return held.container if held else next(iter(self.containers(SERVICE_LABEL, service)), "")

    def container(self, reference: str, what: str) -> str:
        """The container that ``found`` finds; raises ContainerLost when there is none."""
        found = self.found(self.identity(reference, what))
        if not found:
            raise ContainerLost(f"{what}: it does not run")
        return found

    def containers(self, label: str, value: str) -> list[str]:
        """Containers of this node under one of the cluster's labels, the newest first."""
        filters = json.dumps({"label": [f"{label}={value}"]})
        with translated("looking for containers of the service"):
            found = self._node.ask_all("containers/json", all=1, filters=filters)
        found.sort(key=lambda one: int(one.get("Created") or 0), reverse=True)
        return [str(one["Id"]) for one in found]

    def of(self, service: str) -> list[Answer]:
        """All tasks that the manager knows of a service, ended ones among them."""
        filters = json.dumps({"service": [service]})
        with translated("looking for tasks of the service"):
            try:
                return self._manager.ask_all("tasks", filters=filters)
            except Refused as error:
                # The filter is refused once there is no such service.
                if error.status == ABSENT:
                    return []
                raise

    def is_running(self, service: str) -> bool:
        """Whether its container on this node runs, paused or not."""
        found = self.found(service)
        answer = (self._node.find("container", found) if found else None) or {}
        return bool((answer.get("State") or {}).get("Running"))


def _number_of(task: Answer) -> int:
    """Which start of its service a task is."""
    return int((task.get("Spec") or {}).get("ForceUpdate") or 0)


def _words(status: Answer) -> str:
    return str(status.get("Err") or status.get("Message") or "it says nothing")
