"""A tiny project whose runs are disturbed on purpose: written, run by the command, read back."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path

from builders.stopwatch import Stopwatch
from builders.trial_images import IMAGES, write_image

from matrix.lab.plan import HostPlan

MATRIX = Path(sys.executable).with_name("matrix")
#: A run that takes longer than this hangs.
RUN_SECONDS = 900.0

#: What a fault is done to: the environment's name and the container's.
Fault = Callable[[str, str], None]

CONFTEST = """\
import pathlib, time
import pytest

SIGNALS = pathlib.Path({signals!r})

@pytest.fixture
def announce(container, service, environment):
    file = SIGNALS / f"{{service.name}}@{{environment.name}}@{{container.name}}"
    return lambda: (file.touch(), file)[1]

@pytest.fixture
def sabotage(announce):
    def wait():
        file = announce()
        while file.exists():
            time.sleep(0.02)
    return wait
"""

MAIN = """\
name = "faults"
catalogue = "images/catalogue.toml"
inventories = ["inventory.toml"]
outside_probes = "probes/all"
"""


@dataclass(frozen=True)
class Victim:
    """A lab host that faults are done to, looked at without any code of the product."""

    plan: HostPlan

    @property
    def container(self) -> str:
        return self.plan.container

    def sh(self, script: str) -> str:
        """Run a script on the host as root."""
        return output("docker", "exec", self.container, "sh", "-c", script)

    def engine(self, *argv: str) -> str:
        """The host's engine as its administrator uses it."""
        return output("docker", "exec", self.container, self.plan.engine, *argv)

    def process(self) -> int:
        """A process in the host's namespaces, seen from here."""
        return int(output("docker", "inspect", "-f", "{{.State.Pid}}", self.container))

    def sshd_log(self) -> str:
        done = subprocess.run(
            ["docker", "logs", self.container], capture_output=True, text=True, check=True
        )
        return done.stdout + done.stderr

    def snapshot(self) -> dict[str, set[str]]:
        """What is on the engine and not an image's layers, and what runs for us."""
        listings = {
            "container": ("ps", "-aq"),
            "network": ("network", "ls", "--format", "{{.Name}}"),
            "volume": ("volume", "ls", "-q"),
            "tag": ("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"),
        }
        seen = {kind: set(self.engine(*argv).splitlines()) for kind, argv in listings.items()}
        seen["tag"] = {tag for tag in seen["tag"] if "<none>:<none>" not in tag}
        seen["process"] = set(self.ours())
        return seen

    def ours(self) -> list[str]:
        """Processes that carry a mark of a run; those of containers are the engine's business."""
        script = (
            "for f in $(grep -lsE 'MATRIX_(RUN|TETHER|SHELL)=' /proc/[0-9]*/environ); do"
            ' tr "\\0" " " <"${f%environ}cmdline" | cut -c1-80; echo; done 2>/dev/null; true'
        )
        return [line for line in self.sh(script).splitlines() if line]

    def repair(self) -> None:
        """Let a stopped engine go on, start a killed one again, and wait until it answers."""
        if self.sh("pidof dockerd || true"):
            self.sh("kill -CONT $(pidof dockerd)")
        else:
            script = "/usr/local/lib/compat-lab/engine.sh"
            output("docker", "exec", "-d", self.container, "bash", script)
        self.sh("until docker version >/dev/null 2>&1; do sleep 0.2; done")

    def host(self, **changes: object) -> dict[str, object]:
        """Its table in an inventory."""
        plan = self.plan
        return {
            "name": plan.name,
            "connection": "ssh",
            "address": str(plan.address),
            "user": plan.user,
            "identity_file": str(plan.identity_file),
            "known_hosts": str(plan.known_hosts),
            **changes,
        }


def output(*argv: str | Path, **options: object) -> str:
    done = subprocess.run(
        [str(word) for word in argv],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        **options,
    )
    assert done.returncode == 0, f"{argv}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Cell:
    """One cell of the report."""

    document: dict

    @property
    def answer(self) -> tuple[str, str]:
        return self.document["verdict"], self.document["reason"]

    @property
    def message(self) -> str:
        return self.document["message"]

    @property
    def tries(self) -> list[tuple[str, str]]:
        """Verdict and reason of each attempt."""
        return [(one["verdict"], one["reason"]) for one in self.document["attempts"]]

    def probe(self, name: str, *, attempt: int = -1) -> dict:
        """The result of the probe whose function has that name."""
        probes = self.document["attempts"][attempt]["probes"]
        return next(one for one in probes if one["id"].endswith(f"::{name}"))


@dataclass(frozen=True)
class Result:
    """What one call of the command came to."""

    code: int
    stdout: str
    stderr: str
    #: Without those in which this machine stood still.
    seconds: float
    #: Resident memory of the runner over time: seconds since its start, bytes.
    memory: Sequence[tuple[float, int]]
    #: Seconds since its start at which each signal came: service → the first.
    signals: Mapping[str, float]
    reports: Path

    @cached_property
    def report(self) -> dict:
        file = self.reports / "report.json"
        assert file.exists(), self.stderr
        return json.loads(file.read_text(encoding="utf-8"))

    def cell(self, name: str) -> Cell:
        return Cell(next(one for one in self.report["cells"] if one["id"] == name))

    def host(self, environment: str) -> dict:
        column = next(one for one in self.report["environments"] if one["name"] == environment)
        return column["hosts"][0]


@dataclass
class Trial:
    """A project in a folder, to which services and environments are added."""

    folder: Path
    services: dict[str, dict] = field(default_factory=dict)
    images: dict[str, dict] = field(default_factory=dict)
    environments: dict[str, dict] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)

    def add(self, name: str, probes: str, *, fault: Fault | None = None, **settings: object):
        """A service with the probes of one file; *fault* is done when one asks for it."""
        folder = self.folder / "probes" / name
        folder.mkdir(parents=True)
        self.signals.mkdir(exist_ok=True)
        (folder / "conftest.py").write_text(CONFTEST.format(signals=str(self.signals)))
        (folder / f"test_{name.replace('-', '_')}.py").write_text(textwrap.dedent(probes))
        usual = {"image": "fault-tiny", "probes": [f"../probes/{name}"], "memory": "32MiB"}
        short = {"pids": 32, "deadline": "60s", "stop_grace": "1s"}
        self.services[name] = {**usual, **short, **settings}
        if fault is not None:
            self.faults[name] = fault

    def place(self, name: str, host: Mapping[str, object], **settings: object) -> None:
        """An environment of one host."""
        limits = {"parallel": 4, "free_disk": "10MiB"}
        usual = {"kind": "qa", "engine": "docker", "limits": limits}
        self.environments[name] = {**usual, **settings, "hosts": [dict(host)]}

    @property
    def signals(self) -> Path:
        return self.folder / "signals"

    def write(self) -> None:
        """All files of the project."""
        used = {one["image"] for one in self.services.values()}
        images = {name: {"context": name} for name in IMAGES if name in used} | self.images
        for name in images.keys() & IMAGES.keys():
            write_image(self.folder / "images" / name, IMAGES[name])
        (self.folder / "probes" / "all").mkdir(parents=True, exist_ok=True)
        (self.folder / "probes" / "all" / "test_all.py").write_text(
            "def test_it_runs(container):\n    assert container.state.running\n"
        )
        (self.folder / "matrix.toml").write_text(MAIN)
        catalogue = {"images": images, "services": self.services}
        (self.folder / "images").mkdir(exist_ok=True)
        (self.folder / "images" / "catalogue.toml").write_text(toml(catalogue))
        (self.folder / "inventory.toml").write_text(toml({"environments": self.environments}))

    def run(self, *options: str, cwd: Path | None = None, **environ: str) -> Result:
        """``matrix run`` with all five reports, and every fault when it is asked for."""
        self.write()
        formats = ("html", "text", "junit", "json", "markdown")
        reports = [word for one in formats for word in ("-r", one)]
        return self.call("run", *reports, *options, cwd=cwd, **environ)

    def call(self, *words: str, cwd: Path | None = None, **environ: str) -> Result:
        """The command in this project; its memory is watched, its faults are done."""
        argv = [str(MATRIX), words[0], "-C", str(self.folder), *words[1:]]
        log = self.folder / f"said-{time.monotonic_ns()}"
        began = time.monotonic()
        with log.with_suffix(".out").open("wb") as out, log.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=cwd or self.folder,
                env={**os.environ, "NO_COLOR": "1", **environ},
            )
            with self._watched(process, began) as watch, Stopwatch() as took:
                code = _wait(process)
        assert not watch.errors, watch.errors
        return Result(
            code=code,
            stdout=log.with_suffix(".out").read_text(errors="replace"),
            stderr=log.with_suffix(".err").read_text(errors="replace"),
            seconds=took.seconds,
            memory=watch.memory,
            signals=watch.signals,
            reports=self.folder / "reports",
        )

    def sweep(self) -> Result:
        """Looks for what is left; images stay."""
        return self.call("sweep", "--keep-images")

    @contextlib.contextmanager
    def _watched(self, process: subprocess.Popen, began: float) -> Iterator["Watch"]:
        watch = Watch(trial=self, process=process, began=began)
        watch.thread.start()
        try:
            yield watch
        finally:
            watch.over.set()
            watch.thread.join()


@dataclass
class Watch:
    """A thread beside a run: measures the runner's memory, does the faults that are asked for."""

    trial: Trial
    process: subprocess.Popen
    began: float
    memory: list[tuple[float, int]] = field(default_factory=list)
    signals: dict[str, float] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._watch)
        self.doing: list[threading.Thread] = []

    def _watch(self) -> None:
        while not self.over.wait(0.02):
            self._measure()
            for file in self.trial.signals.glob("*@*@*"):
                if file.name not in self.seen:
                    self.seen.add(file.name)
                    self.doing.append(threading.Thread(target=self._do, args=(file,)))
                    self.doing[-1].start()
        for one in self.doing:
            one.join()

    def _measure(self) -> None:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            if found := re.search(r"VmRSS:\s+(\d+) kB", status):
                self.memory.append((time.monotonic() - self.began, int(found[1]) * 1024))

    def _do(self, file: Path) -> None:
        service, environment, container = file.name.split("@")
        self.signals.setdefault(service, time.monotonic() - self.began)
        try:
            if service in self.trial.faults:
                self.trial.faults[service](environment, container)
        except BaseException as error:
            self.errors.append(error)
        finally:
            file.unlink(missing_ok=True)


def _wait(process: subprocess.Popen) -> int:
    try:
        return process.wait(RUN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def toml(tables: Mapping[str, object]) -> str:
    """Nested tables as TOML: a table of a table on a line of its own, everything below inline."""
    lines = []
    for name, entries in tables.items():
        assert isinstance(entries, Mapping)
        for key, entry in entries.items():
            lines.append(f"[{name}.{key}]")
            lines += [f"{word} = {_value(value)}" for word, value in entry.items()]
    return "\n".join([*lines, ""])


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value)


def copy_lab(source: Path, root: Path, *, slot: int) -> Path:
    """A project folder that only has a lab: its inventory and what hosts are built from."""
    repository = Path(__file__).parents[2]
    shutil.copytree(repository / "images" / "lab", root / "images" / "lab")
    subnet = list(IPv4Network("10.213.79.0/24").subnets(new_prefix=27))[slot]
    text = source.read_text()
    docker, podman = subnet[11], subnet[21]
    filled = {"SLOT": slot, "SUBNET": subnet, "DOCKER": docker, "PODMAN": podman}
    for word, value in filled.items():
        text = text.replace(word, str(value))
    inventory = root / "inventories" / "lab.toml"
    inventory.parent.mkdir()
    inventory.write_text(text)
    return inventory
