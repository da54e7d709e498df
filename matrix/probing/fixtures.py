"""What a probe holds in its hands besides ``host`` and ``outside``."""

from collections.abc import Iterator, Mapping

import testinfra.host

from matrix.core.result import Json, Side
from matrix.probing.backend import Ask, NoteCut, Result, make_host
from matrix.probing.wire import unpack


class Metadata(Mapping[str, object]):
    """A read-only mapping whose keys are attributes too, at every depth; lists are tuples."""

    __slots__ = ("_values",)
    _values: dict[str, object]

    def __init__(self, values: Mapping[str, Json]) -> None:
        frozen = {name: _freeze(value) for name, value in values.items()}
        object.__setattr__(self, "_values", frozen)

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __getattr__(self, name: str) -> object:
        try:
            return self[name]
        except KeyError:
            known = ", ".join(sorted(self)) or "nothing"
            raise AttributeError(f"there is no {name!r} (there is: {known})") from None

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError("what is known about a service or an environment is read-only")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Metadata({dict(self)!r})"


def _freeze(value: Json) -> object:
    if isinstance(value, Mapping):
        return Metadata(value)
    if isinstance(value, list):
        return tuple(_freeze(one) for one in value)
    return value


class Container:
    """The service's container, or a companion's, seen by the engine; see ``requests``."""

    def __init__(self, ask: Ask, note_cut: NoteCut, *, target: str) -> None:
        self._ask = ask
        self._note_cut = note_cut
        self._target = target
        #: A testinfra Host inside it.
        self.host: testinfra.host.Host = make_host(ask, note_cut, side=Side.INSIDE, target=target)

    def __repr__(self) -> str:
        return f"<container {self._target or 'of the service'}>"

    @property
    def name(self) -> str:
        """Its name on the engine."""
        return str(self._object("identify")["name"])

    @property
    def id(self) -> str:
        """Its id on the engine."""
        return str(self._object("identify")["id"])

    @property
    def state(self) -> Metadata:
        """running, paused, restarting, exit_code, oom_killed, started_at, image_id: as of now."""
        return Metadata(self._object("state"))

    def companion(self, name: str) -> "Container":
        """The companion's container of that name, with all of these verbs."""
        return Container(self._ask, self._note_cut, target=name)

    def start(self) -> None:
        """Start it again."""
        self._control("start")

    def stop(self, seconds: float | None = None) -> None:
        """Stop it; after *seconds*, or else the service's own grace, it is killed."""
        self._control("stop", **({} if seconds is None else {"seconds": seconds}))

    def restart(self) -> None:
        """Stop and start it."""
        self._control("restart")

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._control("kill")

    def pause(self) -> None:
        """Freeze its processes."""
        self._control("pause")

    def unpause(self) -> None:
        """Let them go on."""
        self._control("unpause")

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        """Wait for the service's own readiness command; the probe fails when it takes longer."""
        self._control("wait_until_ready", seconds=seconds)

    def logs(self, tail: int = 200) -> str:
        """The last lines of stdout and stderr together."""
        return str(self._control("logs", tail=tail))

    def attach(self, seconds: float = 1.0, until: str | None = None) -> str:
        """What its main process writes within *seconds* from now, or until *until* is in it."""
        stop = {} if until is None else {"until": until}
        return str(self._control("attach", seconds=seconds, **stop))

    def stats(self) -> dict[str, Json]:
        """One reading of the engine's counters: memory_bytes, pids, cpu_seconds …"""
        return self._object("stats")

    def inspect(self) -> dict[str, Json]:
        """The engine's whole answer."""
        return self._object("inspect")

    def copy_out(self, path: str) -> bytes:
        """Content of one regular file in it."""
        return unpack(self._control("copy_out", path=path))

    def exec(self, command: str) -> Result:
        """Run *command* by the engine's exec, afresh; with .rc, .stdout and .stderr."""
        answer = self._object("exec", command=command)
        return Result(self.host.backend, self._note_cut, command, answer)

    def address(self, port_name: str) -> tuple[str, int]:
        """Address and port on the host under which a declared port is published."""
        answer = self._control("address", port_name=port_name)
        if not isinstance(answer, list):
            raise TypeError(f"no address but {answer!r}")
        return str(answer[0]), int(str(answer[1]))

    def _control(self, verb: str, **arguments: Json) -> Json:
        __tracebackhide__ = True
        request: dict[str, Json] = {"kind": "control", "target": self._target, "verb": verb}
        return self._ask({**request, "arguments": arguments})

    def _object(self, verb: str, **arguments: Json) -> dict[str, Json]:
        __tracebackhide__ = True
        answer = self._control(verb, **arguments)
        if not isinstance(answer, dict):
            raise TypeError(f"{verb}: no object but {answer!r}")
        return answer
