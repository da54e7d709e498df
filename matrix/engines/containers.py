"""Networks and containers of a Docker or Podman engine: made, driven, and commands run in them."""

import re
from collections.abc import Mapping, Sequence

from matrix.core.errors import (
    ContainerLost,
    EngineError,
    NameConflict,
    NetworkFault,
    PortTaken,
    StartRefused,
    ToolMissing,
    UsageError,
)
from matrix.core.ports import ContainerSpec, ContainerState, Stream
from matrix.engines.api import Api, quoted
from matrix.engines.faults import judge, translated
from matrix.engines.profile import container_payload
from matrix.engines.state import container_state
from matrix.engines.stream import FrameStream

VERBS = ("start", "stop", "restart", "kill", "pause", "unpause")
#: Exit codes of an exec whose command could not be started, which a command may have too.
NEVER_STARTED = (126, 127)
_RUNTIME_WORDS = re.compile(rb"OCI runtime (exec failed|attempted)|OCI permission denied")


class ContainerVerbs:
    """``ports.Containers``, and inspecting, which the others are built on."""

    _api: Api

    def create_network(self, name: str, *, labels: Mapping[str, str]) -> str:
        """Make a bridge network; returns its id. One that we made before is taken again."""
        try:
            with translated(f"creating network {name}", otherwise=NetworkFault):
                made = self._api.client.create_network(
                    name, driver="bridge", check_duplicate=True, labels=dict(labels)
                )
                return str(made["Id"])
        except NameConflict:
            return self._adopt("network", name, labels)

    def create_container(self, spec: ContainerSpec) -> str:
        """Create under the run profile; returns the id. One that we made before is taken again.

        "We" is whoever put the very same labels on it: then the answer to the first try was lost.
        """
        try:
            with translated(f"creating container {spec.name}"):
                made = self._api.client.create_container_from_config(  # type: ignore[no-untyped-call]
                    container_payload(spec), spec.name
                )
                return str(made["Id"])
        except NameConflict:
            return self._adopt("container", spec.name, spec.labels)

    def control(self, container: str, verb: str, *, seconds: float = 10.0) -> None:
        """Carry out *verb*; *seconds* is what "stop" and "restart" leave before they kill."""
        if verb not in VERBS:
            raise UsageError(f'a container has no verb "{verb}" (known: {", ".join(VERBS)})')
        client = self._api.client
        grace = {"timeout": max(0, round(seconds))} if verb in {"stop", "restart"} else {}
        try:
            with translated(f"{verb} of container {container}"):
                getattr(client, verb)(container, **grace)
        except PortTaken as error:
            raise PortTaken(f"{error}{self._port_owner(str(error))}") from error

    def open_exec(self, container: str, argv: Sequence[str], *, user: str = "") -> Stream:
        """Start a command in a running container; raises ContainerLost, EngineError.

        What the container does not have shows at the end of the stream, as ToolMissing.
        """
        what = f"running {argv[0]} in container {container}"
        with translated(what):
            identity = str(
                self._api.client.exec_create(container, [*argv], stdin=True, tty=False, user=user)[
                    "Id"
                ]
            )
            sock, head = self._api.take_over(
                f"exec/{identity}/start", {"Detach": False, "Tty": False}
            )

        def confirm_end(first: bytes) -> None:
            self._confirm_exec(identity, container, what, first)

        return FrameStream(sock, head, confirm_end=confirm_end)

    def attach(self, container: str) -> Stream:
        """The output of the container's main process from now on; it must be running.

        Raises ContainerLost where it is not: Podman makes a stopped container anew to attach to it.
        """
        what = f"attaching to container {container}"
        state = self.inspect_container(container)
        if state is None or not state.running:
            raise ContainerLost(f"{what}: it {'is gone' if state is None else 'does not run'}")
        with translated(what):
            sock, head = self._api.take_over(
                f"containers/{quoted(container)}/attach", stream=1, stdout=1, stderr=1
            )

        def confirm_end(_: bytes) -> None:
            if self.inspect_container(container) is None:
                raise ContainerLost(f"{what}: it is gone")

        return FrameStream(sock, head, confirm_end=confirm_end)

    def inspect_container(self, container: str) -> ContainerState | None:
        """The container's state, or None when there is none of that id or name."""
        answer = self._api.find("container", container)
        return None if answer is None else container_state(answer)

    def _confirm_exec(self, identity: str, container: str, what: str, first: bytes) -> None:
        """The only word on how an exec ended is its inspection, and it dies with its container."""
        with translated(what):
            answer = self._api.ask(f"exec/{identity}/json")
        state = self.inspect_container(container)
        if state is None:
            raise ContainerLost(f"{what}: the container is gone")
        if not state.running:
            raise ContainerLost(f"{what}: the container stopped with exit code {state.exit_code}")
        if not answer.get("Running") and not isinstance(answer.get("ExitCode"), int):
            raise EngineError(f"{what}: the engine does not tell how it ended")
        if answer.get("ExitCode") in NEVER_STARTED and _RUNTIME_WORDS.search(first):
            # An engine that cannot start a command writes why where its output would be.
            words = first.decode("utf-8", "backslashreplace").strip()
            kind = ToolMissing if judge(words, EngineError) is StartRefused else EngineError
            raise kind(f"{what}: {words}")

    def _adopt(self, kind: str, name: str, labels: Mapping[str, str]) -> str:
        found = self._api.find(kind, name) or {}
        own = found.get("Labels") or (found.get("Config") or {}).get("Labels") or {}
        if labels and all(own.get(key) == value for key, value in labels.items()):
            return str(found["Id"])
        raise NameConflict(f"the name {name} is taken by a {kind} that is not ours")

    def _port_owner(self, words: str) -> str:
        """Who has the port that *words* complain about, as far as the engine knows."""
        said = re.search(r"127\.0\.0\.1:(\d+)|:(\d+)(?: failed|: bind)", words)
        port = int(said[1] or said[2]) if said else 0
        with translated("looking who has the port"):
            containers = self._api.ask_all("containers/json") if port else []
        for one in containers:
            if any(bound.get("PublicPort") == port for bound in one.get("Ports") or []):
                return f" (port {port} is published by container {one['Names'][0].lstrip('/')})"
        return f" (port {port} is held by no container of this engine)" if port else ""
