"""A prober that is started once, real probe files, and a cell that answers from a table."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from matrix.core.ports import ProbeRequest
from matrix.core.result import CommandResult, Json, PlannedProbe, ProbeReport, ProbeResult, Side
from matrix.probing.prober import PytestProber

NONCE = "planted-here"


def said(stdout: bytes | str = b"", *, rc: int = 0, stderr: bytes = b"", came: int | None = None):
    """A command's result; *came* bytes of stdout in all when some were not kept."""
    out = stdout.encode() if isinstance(stdout, str) else stdout
    return CommandResult(
        command="",
        exit_status=rc,
        stdout=out,
        stderr=stderr,
        stdout_bytes=len(out) if came is None else came,
        stderr_bytes=len(stderr),
        seconds=0.001,
    )


class FakeAccess:
    """Answers commands and verbs from tables, and remembers what was asked."""

    def __init__(self) -> None:
        #: Command → result, or error to raise, or function of the deadline; others exit 0.
        self.commands: dict[str, object] = {}
        #: Verb → value, or error to raise, or function of the arguments; others give None.
        self.verbs: dict[str, object] = {}
        self.asked: list[tuple[Side, str, str, float]] = []
        self.controlled: list[tuple[str, str, Mapping[str, Json]]] = []

    def run(
        self, *, side: Side, target: str, command: str, deadline_seconds: float
    ) -> CommandResult:
        """What the table says."""
        self.asked.append((side, target, command, deadline_seconds))
        found = _give(self.commands.get(command, said()), deadline_seconds)
        return replace(found, command=command)

    def control(self, *, target: str, verb: str, arguments: Mapping[str, Json]) -> Json:
        """What the table says."""
        self.controlled.append((target, verb, arguments))
        return _give(self.verbs.get(verb), arguments)


def _give(found: object, argument: object):
    if isinstance(found, BaseException):
        raise found
    return found(argument) if callable(found) else found


class Bench:
    """Writes probes, runs them, keeps what was asked."""

    def __init__(self, prober: PytestProber, root: Path) -> None:
        self.prober = prober
        self.access = FakeAccess()
        self.folder = root / "probes" / "queue"
        self.folder.mkdir(parents=True)
        self.observed: list[ProbeResult] = []

    def write(self, code: str, name: str = "test_it.py") -> Path:
        """A file of probe code."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("import os, sys, time\nimport pytest\n" + textwrap.dedent(code))
        return file

    def collect(self) -> tuple[PlannedProbe, ...]:
        """What is in the folder, without the controls."""
        return tuple(
            probe
            for probe in self.prober.collect((self.folder,))
            if not probe.id.startswith("control/")
        )

    def run(
        self,
        code: str = "",
        *,
        planned: tuple[PlannedProbe, ...] = (),
        deadline_seconds: float = 120.0,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ProbeReport:
        """Run *code*, or what was written before."""
        if code:
            self.write(code)
        request = ProbeRequest(
            planned=planned or self.collect(),
            folders=(self.folder,),
            nonce=NONCE,
            service={"name": "queue", "ports": {"redis": 6379}},
            environment={"facts": {"kernel": "6.1", "cgroup.version": 2}, "tags": ["a", "b"]},
            deadline_seconds=deadline_seconds,
        )
        return self.prober.run(request, self.access, observe=self.observe, cancelled=cancelled)

    def observe(self, result: ProbeResult) -> ProbeResult:
        """Keeps it as it is."""
        self.observed.append(result)
        return result


@pytest.fixture(scope="package")
def prober() -> Iterator[PytestProber]:
    with PytestProber() as prober:
        yield prober


@pytest.fixture
def bench(prober: PytestProber, tmp_path: Path) -> Bench:
    return Bench(prober, tmp_path)


@pytest.fixture
def result_of() -> Callable[..., CommandResult]:
    return said
