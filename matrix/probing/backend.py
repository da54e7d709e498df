"""What testinfra's Host stands on in a probe's process: every command is asked of the runner."""

from collections.abc import Callable
from typing import Any

import testinfra.backend.base
import testinfra.host

from matrix.core.result import Json, Side
from matrix.probing.wire import Message, unpack

#: Sends a request to the runner and waits for the value of the answer.
Ask = Callable[[Message], Json]
#: Is called when a probe has read an output of which some was not kept.
NoteCut = Callable[[], None]


class CellFault(Exception):
    """The runner could not do what was asked; swallowing this changes nothing for the verdict."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class Backend(testinfra.backend.base.BaseBackend):
    """One side of the cell; the encoding is always UTF-8, other bytes show as ``\\xNN``."""

    NAME = "matrix"

    def __init__(self, ask: Ask, note_cut: NoteCut, *, side: Side, target: str) -> None:
        super().__init__(target or side.value)
        self._ask = ask
        self._note_cut = note_cut
        self._side = side
        self._target = target

    def run(self, command: str, *args: str, **_: Any) -> "Result":  # noqa: ANN401 - testinfra's
        """Run *command* with *args* quoted into it, as every backend of testinfra does."""
        __tracebackhide__ = True
        line = self.get_command(command, *args)
        request = {"kind": "run", "side": self._side.value, "target": self._target}
        answer = self._ask({**request, "command": line})
        assert isinstance(answer, dict)  # noqa: S101 - the runner's own words
        return Result(self, self._note_cut, line, answer)

    def get_encoding(self) -> str:
        """Never guessed by running python in the container, as testinfra would."""
        return "utf-8"

    def decode(self, data: bytes) -> str:
        """Any bytes as text."""
        return data.decode("utf-8", "backslashreplace")

    def encode(self, data: str) -> bytes:
        """The way back, for text that was never bytes."""
        return data.encode("utf-8", "surrogateescape")


class Result(testinfra.backend.base.CommandResult):
    """testinfra's result, which notes when an output is read that was cut."""

    def __init__(
        self,
        backend: testinfra.backend.base.BaseBackend,
        note_cut: NoteCut,
        command: str,
        answer: dict[str, Json],
    ) -> None:
        self._note_cut = note_cut
        self._kept = {name: unpack(answer[name]) for name in ("stdout", "stderr")}
        self._came = {name: int(str(answer[f"{name}_bytes"])) for name in self._kept}
        super().__init__(
            backend=backend,
            exit_status=int(str(answer["rc"])),
            command=command.encode("utf-8", "surrogateescape"),
            _stdout=self._kept["stdout"],
            _stderr=self._kept["stderr"],
        )

    def __repr__(self) -> str:
        line = self.command.decode("utf-8", "backslashreplace")
        out, err = (self.backend.decode(data)[:2000] for data in self._kept.values())
        return f"CommandResult(command={line!r}, exit_status={self.rc}, {out=}, {err=})"

    @property
    def stdout(self) -> str:
        """Standard output as text."""
        return self.backend.decode(self._read("stdout"))

    @property
    def stderr(self) -> str:
        """Standard error as text."""
        return self.backend.decode(self._read("stderr"))

    @property
    def stdout_bytes(self) -> bytes:
        """Standard output as it came."""
        return self._read("stdout")

    @property
    def stderr_bytes(self) -> bytes:
        """Standard error as it came."""
        return self._read("stderr")

    def _read(self, name: str) -> bytes:
        if self._came[name] > len(self._kept[name]):
            self._note_cut()
        return self._kept[name]


def make_host(ask: Ask, note_cut: NoteCut, *, side: Side, target: str) -> testinfra.host.Host:
    """A testinfra Host for one side of the cell, or inside one companion."""
    backend = Backend(ask, note_cut, side=side, target=target)
    host = testinfra.host.Host(backend)
    backend.set_host(host)
    return host
