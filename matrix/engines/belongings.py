"""What of ours is on a Docker or Podman engine, and how it goes."""

import json
import shlex
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import docker.errors

from matrix.core.errors import EngineUnavailable, LeftoverError, UsageError
from matrix.core.ports import EngineInfo, EngineObject
from matrix.engines.api import ABSENT, Api, quoted
from matrix.engines.description import engine_info
from matrix.engines.faults import said_by_engine, translated
from matrix.engines.wire import Refused

#: Between two looks whether a removed object is gone; only ever waited when it is not gone at once.
LOOK_AGAIN_SECONDS = 0.05

#: Kind of object → where one of it is removed, and how.
_PATHS = {
    "container": "containers/{}",
    "network": "networks/{}",
    "volume": "volumes/{}",
    "image": "images/{}",
}
_DELETE: Mapping[str, Mapping[str, str | int]] = {
    # Podman waits its own time-out for a running container unless it is told not to.
    "container": {"v": 1, "force": 1, "timeout": 0},
    "network": {},
    "volume": {},
    # Not by force, and no parents of it: whoever still uses it keeps it.
    "image": {"force": 0, "noprune": 1},
}
_COMMANDS = {
    "container": "rm --force --volumes",
    "network": "network rm",
    "volume": "volume rm",
    "image": "image rm",
}


class BelongingVerbs:
    """``ports.Belongings`` but attaching."""

    _api: Api

    def describe(self) -> EngineInfo:
        """What the engine says about itself; raises EngineUnavailable."""
        dialect = self._api.dialect
        with translated(f"asking {dialect.name} what it is", gone=EngineUnavailable):
            info, version = self._api.ask("info"), self._api.ask("version")
            return engine_info(dialect.name, info, version, dialect.deviations)

    def list_objects(self, *, label: str) -> tuple[EngineObject, ...]:
        """Containers in any state, networks and volumes that carry *label*."""
        filters = json.dumps({"label": [label]})
        with translated(f"listing what carries {label}"):
            containers = self._api.ask_all("containers/json", all=1, filters=filters)
            networks = self._api.ask_all("networks", filters=filters)
            volumes = self._api.ask("volumes", filters=filters).get("Volumes") or []
        return (
            *(_object("container", one["Id"], _first_name(one), one) for one in containers),
            *(_object("network", one["Id"], one["Name"], one) for one in networks),
            *(_object("volume", one["Name"], one["Name"], one) for one in volumes),
        )

    def find_object(self, kind: str, reference: str) -> EngineObject | None:
        """The object of that id or name, whoever made it; None when there is none."""
        if kind not in _PATHS:
            raise UsageError(f'an engine has no "{kind}" (known: {", ".join(_PATHS)})')
        found = self._api.find(kind, reference)
        if found is None:
            return None
        labels = found.get("Labels") or (found.get("Config") or {}).get("Labels") or {}
        return EngineObject(
            kind=kind,
            id=str(found.get("Id") or found.get("Name") or reference),
            name=str(found.get("Name") or reference).lstrip("/"),
            labels=dict(labels),
        )

    def remove_object(self, kind: str, reference: str) -> None:
        """Remove one object by id and look until it is gone; gone already is fine.

        An image that has a tag, or is in use, stays: we make neither. Raises LeftoverError with the
        reason and the command for the administrator.
        """
        if kind not in _PATHS:
            raise UsageError(f'an engine has no "{kind}" (known: {", ".join(_PATHS)})')
        found = self._api.find(kind, reference)
        if found is None:
            return
        if kind == "image" and found.get("RepoTags"):
            tags = ", ".join(found["RepoTags"])
            raise self._leftover(kind, reference, f"it has been given the name {tags} by others")
        if kind == "network":
            self._disconnect_ours(found)
            # By its name: asked by id, Podman 5.4 removes a network that containers still use.
        words = self._delete(kind, str(found["Name"]) if kind == "network" else reference)
        self._wait_until_gone(kind, reference, words)

    def _delete(self, kind: str, reference: str) -> str:
        """Ask for it to be removed; returns what the engine says against it, "" for nothing."""
        with translated(f"removing {kind} {reference}"):
            try:
                self._api.delete(_PATHS[kind].format(quoted(reference)), **_DELETE[kind])
            except Refused as error:
                return "" if error.status == ABSENT else said_by_engine(error) or str(error)
        return ""

    def _wait_until_gone(self, kind: str, reference: str, words: str) -> None:
        """A refusal may mean that the engine is at it already, so looking decides."""
        until = time.monotonic() + (self._api.seconds if _is_under_way(words) else 0.0)
        while self._api.find(kind, reference) is not None:
            if time.monotonic() >= until:
                why = words or "the engine says it is removed but still has it"
                raise self._leftover(kind, reference, why)
            time.sleep(LOOK_AGAIN_SECONDS)

    def _disconnect_ours(self, network: Mapping[str, Any]) -> None:
        """Take what is left of ours off a network: what shares a label with it, or is gone."""
        labels = (network.get("Labels") or {}).items()
        for identity in network.get("Containers") or {}:
            container = self._api.find("container", identity) or {}
            others = (container.get("Config") or {}).get("Labels") or {}
            if not container or labels & others.items():
                with translated(f"disconnecting {identity}"), suppress(docker.errors.APIError):
                    self._api.client.disconnect_container_from_network(
                        identity, network["Id"], force=True
                    )

    def _leftover(self, kind: str, reference: str, why: str) -> LeftoverError:
        command = f"{self._api.dialect.program} {_COMMANDS[kind]} {shlex.quote(reference)}"
        return LeftoverError(f"{kind} {reference} is left: {why}", remedy=command)


def _is_under_way(words: str) -> bool:
    return not words or "already in progress" in words


def _object(kind: str, identity: str, name: str, answer: Mapping[str, Any]) -> EngineObject:
    return EngineObject(kind=kind, id=identity, name=name, labels=dict(answer.get("Labels") or {}))


def _first_name(container: Mapping[str, Any]) -> str:
    names = container.get("Names") or [""]
    return str(names[0]).lstrip("/")
