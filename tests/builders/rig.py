"""A small project on hosts of its own, beside any other lab: to kill runners and cut lines."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrix.lab import flow

REPOSITORY = Path(__file__).parents[2]
MATRIX = Path(sys.executable).with_name("matrix")

#: Environments whose hosts are the lab's.
REMOTE = ("prod", "site")

LAB = """
[environments.prod]
title = "Single server"
kind = "production"
engine = "docker"
limits = {{ parallel = 1, free_disk = "100MiB" }}

[[environments.prod.hosts]]
name = "kill-prod-{salt}"
connection = "ssh"
address = "{subnet}.11"
user = "deploy"
identity_file = "{keys}/keys/kill-prod-{salt}"
known_hosts = "{keys}/known_hosts"
carrier = "dial-stdio"
max_sessions = 2

[environments.prod.lab]
suite = "bookworm"
network = {{ name = "compat-lab-kill-{salt}", subnet = "{subnet}.0/24", internal = true }}
memory = "1GiB"
pids = 400
read_only = true
sshd = ["DisableForwarding yes", "MaxSessions 2", "PermitUserRC no"]

[environments.site]
title = "Customer"
kind = "customer"
engine = "docker"
limits = {{ parallel = 2, free_disk = "100MiB" }}

[[environments.site.hosts]]
name = "kill-site-{salt}"
connection = "ssh"
address = "{subnet}.12"
user = "deploy"
identity_file = "{keys}/keys/kill-site-{salt}"
known_hosts = "{keys}/known_hosts"
carrier = "streamlocal"

[environments.site.lab]
suite = "bullseye"
network = {{ name = "compat-lab-kill-{salt}", subnet = "{subnet}.0/24", internal = true }}
memory = "1GiB"
pids = 1000
"""

LOCAL = """
[environments.here]
title = "This machine"
kind = "laptop"
engine = "docker"
limits = { parallel = 2, free_disk = "100MiB" }

[[environments.here.hosts]]
name = "here"
connection = "local"
"""

PROJECT = """
name = "kills"
catalogue = "images/catalogue.toml"
inventories = ["inventory.toml"]
outside_probes = "probes/outside"
"""

CATALOGUE = """
[images.web-{salt}]
context = "web"

[services.web]
title = "Web"
contents = "busybox httpd"
image = "web-{salt}"
probes = ["../probes/web"]
deadline = "2m"
memory = "32MiB"
pids = 32
stop_grace = "200ms"
volumes = ["/data"]
ports = {{ http = 8080 }}
readiness = {{ command = "wget -q -O /dev/null http://127.0.0.1:8080/", timeout = "30s" }}

[[services.web.companions]]
name = "side"
image = "web-{salt}"
memory = "32MiB"
pids = 32
stop_grace = "200ms"
volumes = ["/data"]

[services.idle]
title = "Idle"
contents = "busybox"
image = "web-{salt}"
probes = ["../probes/idle"]
deadline = "2m"
memory = "32MiB"
pids = 32
stop_grace = "200ms"
"""

DOCKERFILE = """
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "mkdir", "-p", "/tmp", "/data", "/etc", "/www"]
RUN ["/bin/busybox", "--install", "/bin"]
COPY page /www/index.html
RUN ["/bin/busybox", "chown", "65534:65534", "/data"]
LABEL dev=K salt={salt}
USER 65534:65534
EXPOSE 8080
VOLUME /kept
ENTRYPOINT ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"""

WEB_PROBES = '''
def test_it_answers_for_a_while(host):
    """It answers for a while"""
    for _ in range({looks}):
        assert host.run("wget -q -O /dev/null http://127.0.0.1:8080/ || true; sleep 0.2").rc == 0


def test_it_survives_a_restart(container):
    """It survives a restart"""
    container.restart()
    assert container.state.running


def test_the_machine_is_there(outside):
    """The machine is there"""
    assert outside.run("sleep 0.3; echo there").stdout.strip() == "there"
'''

SLOW_PROBE = '''
import pytest


@pytest.mark.timeout({limit})
def test_it_is_slow(host):
    """It is slow"""
    host.run("sleep {seconds}")

'''

IDLE_PROBES = '''
def test_it_idles(host):
    """It idles"""
    assert host.run("sleep 0.5").rc == 0
'''

OUTSIDE_PROBES = '''
def test_it_runs(container):
    """It runs"""
    assert container.state.running
'''


def run(*argv: str | Path, check: bool = True, **options: object) -> str:
    """A program's standard output."""
    done = subprocess.run(  # type: ignore[call-overload]
        [str(word) for word in argv], check=False, capture_output=True, text=True, **options
    )
    assert not check or done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return str(done.stdout)


def wait_until(true: Callable[[], object], *, seconds: float, every: float = 0.1) -> float:
    """Ask again and again until *true* holds; returns after how many seconds it did."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"did not come true in {seconds} seconds"
        time.sleep(every)
    return time.monotonic() - began


@dataclass(frozen=True)
class Lab:
    """The hosts of one session of tests, and the folder that has their keys."""

    root: Path
    #: Makes their names, their network and the image of the tests those of this session alone.
    salt: str

    def host(self, environment: str) -> str:
        """Name of the host of an environment."""
        return f"kill-{environment}-{self.salt}"

    @property
    def hosts(self) -> list[str]:
        """Names of all."""
        return [self.host(environment) for environment in REMOTE]

    @property
    def image(self) -> str:
        """Tag of the image of the tests on this machine's engine."""
        return f"compat-matrix/web-{self.salt}:dev"

    @property
    def inventory(self) -> str:
        """Environments of the hosts, with keys by absolute path."""
        subnet = f"10.214.{1 + int(self.salt, 16) % 250}"
        return LAB.format(keys=self.root / ".matrix/lab", salt=self.salt, subnet=subnet)

    def up(self) -> None:
        """Start the hosts."""
        (self.root / "images").symlink_to(REPOSITORY / "images")
        (self.root / "lab.toml").write_text(self.inventory)
        flow.up(self.root, self.root / "lab.toml", report=print)

    def down(self) -> None:
        """Remove them, and what was built for them."""
        flow.down(self.root, self.root / "lab.toml", report=print)
        run("docker", "image", "rm", "-f", self.image, check=False)


@dataclass(frozen=True)
class Rig:
    """A project, and the command run in it."""

    folder: Path
    #: Where its runners put what is temporary.
    temporary: Path

    def matrix(
        self, *words: str, seconds: float = 900, expect: Sequence[int] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        """The command, run to its end."""
        done = subprocess.run(
            [MATRIX, *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=self.environment,
            cwd=self.folder,
        )
        said = f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert done.returncode in expect, said
        return done

    def start(self, *words: str) -> "Runner":
        """The command, in a session of its own, with what it says in a file."""
        said = self.folder / f"said-{time.monotonic_ns()}"
        with said.open("wb") as file:
            process = subprocess.Popen(
                [MATRIX, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
            )
        return Runner(process=process, said=said, rig=self)

    @property
    def environment(self) -> dict[str, str]:
        """What the command sees of ours."""
        return {**os.environ, "TMPDIR": str(self.temporary), "NO_COLOR": "1"}

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of the store, read without the product."""
        path = self.folder / ".matrix/store.sqlite"
        if not path.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            try:
                return store.execute(statement).fetchall()
            except sqlite3.OperationalError:
                return []

    def runs(self) -> list[str]:
        """Ids of the runs and checks that journalled or began something."""
        return [
            str(row[0]) for row in self.query("select run from journal union select id from runs")
        ]

    def cells(self) -> list[tuple[object, ...]]:
        """Run, service, environment, verdict, reason and time of every answer."""
        return self.query(
            "select run, service, environment, verdict, reason, finished_at from cells"
            " order by service, environment"
        )

    def grid(self) -> list[dict[str, str]]:
        """The cells of the newest grid."""
        found: list[dict[str, str]] = json.loads(self.matrix("report", "--json").stdout)["cells"]
        return found

    def make_probes_take(self, *, seconds: int) -> None:
        """Let the first probe of the web service wait that long in one command."""
        path = self.folder / "probes/web/test_web.py"
        path.write_text(SLOW_PROBE.format(seconds=seconds, limit=2 * seconds) + path.read_text())


@dataclass(frozen=True)
class Runner:
    """A command that goes on."""

    process: "subprocess.Popen[bytes]"
    said: Path
    rig: Rig

    @property
    def text(self) -> str:
        """What it has said so far."""
        return self.said.read_text(errors="replace")

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def wait(self, *, seconds: float) -> int:
        """Its exit code; kills it and fails when it does not end in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it goes on after {seconds} s:\n{self.text}") from None

    def wait_for(self, words: str, *, seconds: float = 300) -> None:
        """Wait until it has said *words*."""
        self._wait_until(lambda: words in self.text, f"said {words!r}", seconds=seconds)

    def wait_until_measuring(self, cell: str, *, seconds: float = 300) -> None:
        """Wait until the service's own container of *cell*, the last that is made, is there."""
        service, _, environment = cell.partition("@")
        name = f"mx-%-{service}-{environment}-1"
        asked = f"select 1 from journal where open and name like '{name}' and object_id != ''"
        self._wait_until(lambda: self.rig.query(asked), f"measured {cell}", seconds=seconds)

    def _wait_until(self, true: Callable[[], object], what: str, *, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not true():
            over = self.process.poll() is not None or time.monotonic() > until
            assert not over or true(), f"it never {what}:\n{self.text}"
            time.sleep(0.1)


def make_rig(folder: Path, lab: Lab, *, looks: int = 5) -> Rig:
    """A project of two services in three environments; *looks* makes its probes take longer."""
    for name in ("images/web", "probes/web", "probes/idle", "probes/outside"):
        (folder / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "busybox", folder / "images/web/busybox")
    files = {
        "matrix.toml": PROJECT,
        "inventory.toml": LOCAL + lab.inventory,
        "images/catalogue.toml": CATALOGUE.format(salt=lab.salt),
        "images/web/Dockerfile": DOCKERFILE.format(salt=lab.salt),
        "probes/web/test_web.py": WEB_PROBES.format(looks=looks),
        "probes/idle/test_idle.py": IDLE_PROBES,
        "probes/outside/test_outside.py": OUTSIDE_PROBES,
    }
    files["images/web/page"] = "here"
    for name, text in files.items():
        (folder / name).write_text(textwrap.dedent(text))
    temporary = Path(run("mktemp", "-d", "/tmp/mxkXXXXXX").strip())
    return Rig(folder=folder, temporary=temporary)


@contextlib.contextmanager
def going_on(runner: Runner) -> Iterator[Runner]:
    """The runner, dead at the end whatever happens."""
    try:
        yield runner
    finally:
        if runner.process.poll() is None:
            runner.kill()
