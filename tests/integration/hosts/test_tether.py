"""The guard on a host removes what is ours, and nothing else, when we die or are cut off."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders.containers import SOCKET, BusyboxImage, docker
from builders.far_sshd import far_sshd
from builders.sshd import PATIENCE_SECONDS, Sshd, tool, wait_until
from builders.stopwatch import Stopwatch

from matrix.core.errors import (
    AuthRefused,
    ConnectionLost,
    EngineLost,
    EngineUnavailable,
    ToolMissing,
)
from matrix.core.model import Host
from matrix.core.names import LABEL_TETHER
from matrix.hosts import Tether, find_processes

pytestmark = pytest.mark.engine

HERE = Host(name="here", connection="local")
#: A host that is cut off must be clean after 30 seconds; promises are held to at three times.
CLEAN_SECONDS = 90.0
#: Silence and beats where nobody is to notice that the machine stood still for a while.
PATIENT = (120.0, 20.0)
#: Silence and beats where somebody is.
IMPATIENT = (6.0, 0.5)


@dataclass(frozen=True)
class Objects:
    """Containers, networks and volumes on the engine, and whether they still are there."""

    image: BusyboxImage
    socket: Path = SOCKET

    def make(self, label: str) -> tuple[str, ...]:
        """A container with an anonymous volume, a stopped one, a network and a volume."""
        mark = ("--label", label, "--label", "dev=B")
        network = self.docker("network", "create", *mark, f"mx-b-{secrets.token_hex(4)}")
        running = self.docker(
            *("run", "-d", *mark, "--network", network, self.image.id, "sleep", "300")
        )
        stopped = self.docker("create", *mark, self.image.id, "true")
        volume = self.docker("volume", "create", *mark)
        anonymous = self.docker(
            "inspect", "-f", "{{range .Mounts}}{{.Name}} {{end}}", running, stopped
        ).split()
        assert len(anonymous) == 2
        return (running, stopped, network, volume, *anonymous)

    def left(self, names: tuple[str, ...]) -> set[str]:
        there = {
            *self.docker("ps", "-aq", "--no-trunc").split(),
            *self.docker("network", "ls", "-q", "--no-trunc").split(),
            *self.docker("volume", "ls", "-q").split(),
        }
        return there & set(names)

    def remove(self, names: tuple[str, ...]) -> None:
        running, stopped, network, volume, *_ = names
        for words in (
            ("rm", "-f", "-v", running),
            ("rm", "-f", "-v", stopped),
            ("network", "rm", network),
            ("volume", "rm", "-f", volume),
        ):
            with contextlib.suppress(AssertionError):
                self.docker(*words)

    def docker(self, *words: str) -> str:
        return docker(*words, socket=self.socket)


@pytest.fixture
def objects(busybox_image: BusyboxImage) -> Objects:
    return Objects(busybox_image)


@pytest.fixture
def token() -> str:
    return f"b{secrets.token_hex(5)}.{secrets.token_hex(4)}"


@pytest.fixture
def decoys(objects: Objects, token: str) -> Iterator[tuple[str, ...]]:
    """Objects whose labels look like ours."""
    made = [
        objects.make(f"{LABEL_TETHER}={token}0"),
        objects.make(f"{LABEL_TETHER}x={token}"),
    ]
    yield tuple(name for names in made for name in names)
    for names in made:
        objects.remove(names)


def tie(connection, token: str, **changes) -> Tether:
    silence, beat = PATIENT
    options = {"engine": "docker", "sudo": False, "silence_seconds": silence, "beat_seconds": beat}
    return Tether(connection, run=token, **(options | changes))


def as_json(host: Host) -> str:
    words: dict = {"name": host.name, "connection": host.connection}
    if host.ssh:
        words["ssh"] = {
            "address": host.ssh.address,
            "port": host.ssh.port,
            "user": host.ssh.user,
            "identity_file": str(host.ssh.identity_file),
            "host_keys": host.ssh.host_keys,
        }
    return json.dumps(words | {"engine_sudo": host.engine_sudo})


@contextlib.contextmanager
def runner(
    host: Host, token: str, workspace: Path, *, beats: tuple[float, float]
) -> Iterator[subprocess.Popen[str]]:
    """Another process that is tied to *host*."""
    words = [as_json(host), token, str(workspace), *map(str, beats)]
    process = subprocess.Popen(
        [sys.executable, "-m", "builders.tethered", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["tests", *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == "tied\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def processes_of(token: str) -> list[str]:
    """Pids of what runs under that token on this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if token.encode() in path.read_bytes():
                found.append(path.parts[2])
    return found


def watches(token: str) -> bool:
    """Whether a guard hears of its engine: what tells it the answer's head reads on with ``cat``,
    beside the one that has asked."""
    said = ""
    for pid in processes_of(f"MATRIX_TETHER={token}"):
        with contextlib.suppress(ProcessLookupError):
            session = ["ps", "-o", "comm=", "-s", str(os.getsid(int(pid)))]
            said = subprocess.run(session, check=False, capture_output=True, text=True).stdout
    return said.split().count("cat") > 1


def through(name: str, sshd: Sshd) -> Host:
    return HERE if name == "local" else sshd.host("sudoer" if name == "sudo" else "root")


@pytest.mark.parametrize("way", ["local", pytest.param("ssh", marks=pytest.mark.full), "sudo"])
def test_a_runner_that_is_killed_leaves_nothing_on_the_host(
    way, sshd: Sshd, *, objects: Objects, token, decoys, workspace
):
    host = through(way, sshd)
    if way == "sudo":
        host = sshd.host("sudoer", engine_sudo=True)
    with runner(host, token, workspace, beats=PATIENT) as process:
        ours = objects.make(f"{LABEL_TETHER}={token}")
        assert len(objects.left(ours)) == 6
        process.send_signal(signal.SIGKILL)
        wait_until(lambda: not objects.left(ours), seconds=CLEAN_SECONDS)
        # The guard stays a little, for a create that may still be under way.
        mark = ("--label", f"{LABEL_TETHER}={token}", "--label", "dev=B")
        late = objects.docker("create", *mark, objects.image.id, "true")
        wait_until(lambda: not objects.left((late,)), seconds=CLEAN_SECONDS)
        wait_until(lambda: not processes_of(token), seconds=CLEAN_SECONDS)

    assert objects.left(decoys) == set(decoys)


def test_a_runner_that_stands_still_counts_as_dead(objects: Objects, token, workspace):
    # Made before, since a machine that stands still meanwhile is a runner that does.
    ours = objects.make(f"{LABEL_TETHER}={token}")
    with runner(HERE, token, workspace, beats=IMPATIENT) as process:
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: not objects.left(ours), seconds=CLEAN_SECONDS)
        process.send_signal(signal.SIGCONT)

        assert process.stdout.readline() == "ConnectionLost\n"


@pytest.mark.parametrize("way", ["local", "ssh"])
def test_a_farewell_removes_what_is_left_and_waits_for_it(
    way, sshd: Sshd, *, objects: Objects, token, decoys, reach
):
    connection = reach(through(way, sshd))
    tether = tie(connection, token)
    tether.check()
    ours = objects.make(f"{LABEL_TETHER}={token}")
    tether.close()

    assert objects.left(ours) == set()
    assert objects.left(decoys) == set(decoys)
    wait_until(lambda: not processes_of(token))
    tether.close()


def test_a_guard_survives_signals_that_end_other_programs(objects: Objects, token, reach):
    tether = tie(reach(HERE), token)
    for pid in processes_of(f"MATRIX_TETHER={token}"):
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
            # What it starts for each beat may just have ended.
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), number)
    time.sleep(1)
    tether.check()
    ours = objects.make(f"{LABEL_TETHER}={token}")
    tether.close()

    assert objects.left(ours) == set()


def test_a_guard_that_ends_is_noticed(token, reach):
    tether = tie(reach(HERE), token, beat_seconds=2)
    for pid in processes_of(f"MATRIX_TETHER={token}"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)

    def noticed() -> bool:
        try:
            tether.check()
        except (ConnectionLost, EngineLost):
            return True
        return False

    wait_until(noticed)
    tether.close()


def test_the_connection_is_closed_when_the_host_falls_silent(lone_sshd: Sshd, token, reach):
    lone_sshd.start()
    connection = reach(lone_sshd.host())
    waiting = connection.open_stream(["sleep", "900"])
    tether = tie(connection, token, beat_seconds=0.5)
    lone_sshd.signal_sessions(signal.SIGSTOP)
    with Stopwatch() as took, pytest.raises(ConnectionLost):
        waiting.receive(deadline_seconds=PATIENCE_SECONDS)

    assert took.seconds < 3 * 3
    with pytest.raises(ConnectionLost, match="no sign of life for 3 seconds"):
        tether.check()
    tether.close()


@contextlib.contextmanager
def second_engine(folder: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """An engine of our own that may be killed, in a network namespace of its own."""
    socket = folder / "docker.sock"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("unshare", "-n", "-m", tool("dockerd"), "--data-root", str(folder / "data")),
                *("--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid")),
                *("-H", f"unix://{socket}", "--bridge=none", "--iptables=false"),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def answers() -> bool:
        with contextlib.suppress(AssertionError):
            return bool(docker("version", socket=socket))
        return False

    def kill() -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    try:
        wait_until(answers)
        yield socket, kill
    finally:
        with contextlib.suppress(ProcessLookupError):
            kill()


@pytest.mark.parametrize("way", ["local", "ssh"])
def test_an_engine_that_goes_away_is_told_apart_from_the_host(
    way, sshd: Sshd, token, reach, ssh_folder
):
    connection = reach(through(way, sshd))
    with second_engine(ssh_folder) as (socket, kill):
        tether = tie(connection, token, engine_socket=str(socket))
        wait_until(lambda: watches(token))
        tether.check()
        kill()

        def noticed() -> bool:
            with contextlib.suppress(EngineLost):
                tether.check()
                return False
            return True

        with Stopwatch() as took:
            wait_until(noticed)
        assert took.seconds < 3 * 3
        connection.open_stream(["true"]).close()
        closing = threading.Thread(target=tether.close)
        closing.start()
    closing.join()
    wait_until(lambda: not processes_of(f"MATRIX_TETHER={token}"), seconds=60)


def test_a_host_that_cannot_be_guarded_is_an_error_that_says_why(sshd: Sshd, token, reach):
    with pytest.raises(AuthRefused, match="engine_sudo"):
        tie(reach(sshd.host("plain")), token)
    with pytest.raises(AuthRefused, match="NOPASSWD"):
        tie(reach(sshd.host("asker")), token, sudo=True)
    with pytest.raises(EngineUnavailable, match=r"nonexistent\.sock"):
        tie(reach(HERE), token, engine_socket="/nonexistent.sock")
    with pytest.raises(ToolMissing, match="podman"):
        tie(reach(HERE), token, engine="podman")


def test_processes_of_a_run_are_found_and_ended_but_not_those_of_others(reach):
    connection = reach(HERE)
    run = f"b{secrets.token_hex(5)}"
    marks = {
        "ours": f"MATRIX_RUN={run}",
        "of a host": f"MATRIX_RUN={run}.0af1",
        "longer": f"MATRIX_RUN={run}0",
        "other variable": f"NOT_MATRIX_RUN={run}",
    }
    streams = {name: connection.open_stream(["env", mark, "cat"]) for name, mark in marks.items()}
    for stream in streams.values():
        stream.send(b"x")
        assert stream.receive(deadline_seconds=PATIENCE_SECONDS)

    found = find_processes(connection, run, remove=False)
    assert [line.split(" ", 1)[1].strip() for line in found] == ["cat", "cat"]
    assert sorted(find_processes(connection, run, remove=True)) == sorted(found)
    assert find_processes(connection, run, remove=False) == ()
    for name in ("longer", "other variable"):
        streams[name].send(b"y")
        assert streams[name].receive(deadline_seconds=PATIENCE_SECONDS)
    for stream in streams.values():
        stream.close()


def test_a_host_that_is_cut_off_cleans_itself_and_we_notice(
    objects: Objects, token, decoys, workspace, ssh_folder
):
    mark = f"b{secrets.token_hex(3)}"
    made = objects.make(f"{LABEL_TETHER}={token}")
    with (
        far_sshd(ssh_folder, mark) as (sshd, cut),
        runner(sshd.host(), token, workspace, beats=IMPATIENT) as ours,
    ):
        with Stopwatch() as took:
            cut()
            # Two beats of half a second, and two seconds of grace.
            assert ours.stdout.readline() == "ConnectionLost\n"
        assert took.seconds < 3 * 3
        wait_until(lambda: not objects.left(made), seconds=CLEAN_SECONDS)
        wait_until(lambda: not processes_of(f"={token}"), seconds=CLEAN_SECONDS)

    assert objects.left(decoys) == set(decoys)
