"""The pytest plugins of a probe's process: one lists probes, one runs them. Both hold the fixtures.

The fixtures ``host``, ``outside`` and ``container`` have the scope of testinfra's own ``host``, so
that what works here works under plain ``pytest --hosts=…`` too.
"""

import sys
from collections.abc import Generator
from typing import Protocol

import pytest
import testinfra.host

from matrix.core.result import Json, Side
from matrix.probing import listing
from matrix.probing.backend import CellFault, make_host
from matrix.probing.explain import cut, describe_phase, locate
from matrix.probing.fixtures import Container, Metadata
from matrix.probing.spool import Spool, open_text
from matrix.probing.wire import Message


class Talk(Protocol):
    """The child's end of its pipe."""

    def send(self, message: Message) -> None: ...

    def ask(self, message: Message) -> Message: ...


class Fixtures:
    """What probes are given; every question goes to the runner."""

    def __init__(self, job: Message, pipe: Talk) -> None:
        self._job = job
        self._pipe = pipe
        #: Whether the running probe has read an output of which some was not kept.
        self._cut = False

    @pytest.fixture(scope="module")
    def host(self) -> testinfra.host.Host:
        """Inside the container."""
        return make_host(self._ask, self._note_cut, side=Side.INSIDE, target="")

    @pytest.fixture(scope="module")
    def outside(self) -> testinfra.host.Host:
        """The machine the container runs on."""
        return make_host(self._ask, self._note_cut, side=Side.OUTSIDE, target="")

    @pytest.fixture(scope="module")
    def container(self) -> Container:
        """The container, as the engine sees it."""
        return Container(self._ask, self._note_cut, target="")

    @pytest.fixture(scope="session")
    def service(self) -> Metadata:
        """What is known about the service."""
        return _metadata(self._job["service"])

    @pytest.fixture(scope="session")
    def environment(self) -> Metadata:
        """What is known about the environment, with its facts."""
        return _metadata(self._job["environment"])

    @pytest.fixture(scope="session")
    def nonce(self) -> str:
        """What the runner has planted in the container's environment as MATRIX_NONCE."""
        return str(self._job["nonce"])

    def _ask(self, message: Message) -> Json:
        __tracebackhide__ = True
        answer = self._pipe.ask(message)
        error = answer.get("error")
        if isinstance(error, dict):
            raise CellFault(str(error["reason"]), str(error["message"]))
        return answer["value"]

    def _note_cut(self) -> None:
        self._cut = True


class CollectPlugin(Fixtures):
    """Lists the probes of the files it is given, and what is wrong with them; runs none."""

    def __init__(self, job: Message, pipe: Talk) -> None:
        super().__init__(job, pipe)
        self._probes: list[Json] = []
        self._errors: list[Json] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what is wrong with a file."""
        if report.failed:
            self._errors.append(locate(str(report.longrepr)))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Describe every probe that was found."""
        for item in session.items:
            try:
                self._probes.append(listing.describe(item))
            except listing.BadProbe as error:
                self._errors.append(listing.blame(item, str(error)))
        self._errors += listing.find_shadowed(session.items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool:
        """Run nothing."""
        return True

    def finish(self, code: int, said: str) -> None:
        """Send the list."""
        if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
            self._errors.append(locate(said))
        self._pipe.send({"kind": "collected", "probes": self._probes, "errors": self._errors})


class RunPlugin(Fixtures):
    """Runs the planned probes, in the planned order, and reports each before the next one."""

    def __init__(self, job: Message, pipe: Talk) -> None:
        super().__init__(job, pipe)
        self._phases: list[Json] = []
        self._broken: list[str] = []
        self._unreported: set[str] = set()
        self._quit = ""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what is wrong with a file."""
        if report.failed:
            self._broken.append(str(report.longrepr))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what is planned, in that order."""
        found = {listing.probe_id(item): item for item in items}
        planned = self._job["planned"]
        assert isinstance(planned, list)  # noqa: S101 - the runner's own words
        self._unreported = {str(name) for name in planned}
        self._broken += [f"{name} is not there any more" for name in planned if name not in found]
        items[:] = [found[str(name)] for name in planned if name in found]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Tell of the beginning and, unless the probe ends everything, of the end."""
        name, printed = listing.probe_id(item), Spool()
        self._phases, self._cut = [], False
        self._pipe.send({"kind": "started", "id": name})
        streams = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = open_text(printed)
        try:
            done = yield
        finally:
            sys.stdout, sys.stderr = streams
        report: Message = {"kind": "report", "id": name, "phases": self._phases}
        self._pipe.ask({**report, "cut": self._cut, "output": cut(printed.text())})
        self._unreported.discard(name)
        return done

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep what one phase came to; one that ends the process ends the session."""
        report = yield
        phase = describe_phase(report, call)
        self._phases.append(phase)
        if phase.get("kind") == "exit":
            item.session.shouldstop = self._quit = "the probe called sys.exit"
        return report

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """pytest.exit comes this way too."""
        self._quit = f"the probe ended everything: {excinfo.exconly()}"

    def finish(self, code: int, said: str) -> None:
        """Tell whether every planned probe was run, and if not, why."""
        if not self._broken and not self._unreported:
            self._pipe.send({"kind": "finished"})
        elif self._quit or not self._broken:
            message = self._quit or f"pytest ended with {code}: {said}"
            self._pipe.send({"kind": "quit", "reason": "probe-crash", "message": cut(message)})
        else:
            message = "\n".join(self._broken)
            self._pipe.send({"kind": "quit", "reason": "probe-code", "message": cut(message)})


def _metadata(values: Json) -> Metadata:
    assert isinstance(values, dict)  # noqa: S101 - the runner's own words
    return Metadata(values)
