"""A small project on hosts of its own, for tests that kill runners and cut lines.

The hosts are a lab beside anybody else's, so a look at them before and after may be strict.
"""

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

REPOSITORY = Path(__file__).parents[2]
MATRIX = Path(sys.executable).with_name("matrix")

#: Environment → its host's name, which its container is called after.
REMOTE = {"prod": "kill-prod", "site": "kill-site"}
HERE = "here"

LAB = """
[environments.prod]
title = "Single server"
kind = "production"
engine = "docker"
limits = {{ parallel = 1, free_disk = "100MiB" }}

[[environments.prod.hosts]]
name = "kill-prod"
connection = "ssh"
address = "10.213.94.11"
user = "deploy"
identity_file = "{keys}/keys/kill-prod"
known_hosts = "{keys}/known_hosts"
carrier = "dial-stdio"
max_sessions = 2

[environments.prod.lab]
suite = "bookworm"
network = {{ name = "compat-lab-kill", subnet = "10.213.94.0/24", internal = true }}
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
name = "kill-site"
connection = "ssh"
address = "10.213.94.12"
user = "deploy"
identity_file = "{keys}/keys/kill-site"
known_hosts = "{keys}/known_hosts"
carrier = "streamlocal"

[environments.site.lab]
suite = "bullseye"
network = {{ name = "compat-lab-kill", subnet = "10.213.94.0/24", internal = true }}
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
[images.kill-web]
context = "web"

[services.web]
title = "Web"
contents = "busybox httpd"
image = "kill-web"
probes = ["../probes/web"]
deadline = "2m"
memory = "32MiB"
pids = 32
stop_grace = "200ms"
volumes = ["/data"]
ports = { http = 8080 }
readiness = { command = "wget -q -O /dev/null http://127.0.0.1:8080/", timeout = "30s" }

[[services.web.companions]]
name = "side"
image = "kill-web"
memory = "32MiB"
pids = 32
stop_grace = "200ms"
volumes = ["/data"]

[services.idle]
title = "Idle"
contents = "busybox"
image = "kill-web"
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
    """The hosts, and the folder that has their keys."""

    root: Path

    @property
    def inventory(self) -> str:
        """Environments of the hosts, with keys by absolute path."""
        return LAB.format(keys=self.root / ".matrix/lab")

    def up(self) -> None:
        """Start the hosts that do not run."""
        self._lab("up", "--no-seed")

    def down(self) -> None:
        """Remove them."""
        self._lab("down")

    def _lab(self, *verb: str) -> None:
        run(MATRIX, "lab", *verb, "-C", self.root, "-i", "inventory.toml", timeout=300)


def make_lab(root: Path) -> Lab:
    """The folder of the lab, with nothing started."""
    lab = Lab(root=root)
    (root / "images").mkdir()
    (root / "images/lab").symlink_to(REPOSITORY / "images/lab")
    shutil.copy(REPOSITORY / "images/catalogue.toml", root / "images")
    for name in sorted({path.name for path in (REPOSITORY / "images").iterdir()}):
        target = root / "images" / name
        if not target.exists():
            target.symlink_to(REPOSITORY / "images" / name)
    (root / "probes").symlink_to(REPOSITORY / "probes")
    (root / "matrix.toml").write_text(
        'name = "lab"\ncatalogue = "images/catalogue.toml"\ninventories = ["inventory.toml"]\n'
    )
    (root / "inventory.toml").write_text(lab.inventory)
    return lab


@dataclass(frozen=True)
class Rig:
    """A project, and the command run in it."""

    folder: Path
    #: Where its runners put what is temporary.
    temporary: Path

    def matrix(
        self, *words: str, seconds: float = 180, expect: Sequence[int] = (0,)
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
        return Runner(process=process, said=said)

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

    def wait_for(self, words: str, *, seconds: float = 60) -> None:
        """Wait until it has said *words*."""
        ended = self.process.poll
        wait_until(lambda: words in self.text or ended() is not None, seconds=seconds)
        assert words in self.text, f"it never said {words!r}:\n{self.text}"


def make_rig(folder: Path, lab: Lab, *, salt: str, looks: int = 5) -> Rig:
    """A project of two services in three environments; *looks* makes its probes take longer."""
    for name in ("images/web", "probes/web", "probes/idle", "probes/outside"):
        (folder / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "busybox", folder / "images/web/busybox")
    files = {
        "matrix.toml": PROJECT,
        "inventory.toml": LOCAL + lab.inventory,
        "images/catalogue.toml": CATALOGUE,
        "images/web/Dockerfile": DOCKERFILE.format(salt=salt),
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
