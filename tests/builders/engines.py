"""Engines to test against: the machine's own, others in containers, and ones to be killed."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from docker import APIClient

from matrix.core.errors import ContainerLost, DeadlineExceeded, EngineError
from matrix.core.model import RunSettings
from matrix.core.ports import ContainerSpec, Engine
from matrix.delivery.golden import busybox_archive
from matrix.engines import open_engine
from matrix.lab.images import ensure_image
from matrix.lab.machine import read_withheld_capabilities
from matrix.lab.plan import HostPlan, LabNetwork

ROOT = Path(__file__).parents[2]
LOCAL_SOCKET = Path("/var/run/docker.sock")
#: On every object that the tests make on the machine's own engine.
LABELS = {"io.compat-matrix.test": "engines"}
START_SECONDS = 120.0
#: For moving a tiny image.
SECONDS = 180.0
#: For an answer that comes at once, on a machine that now and then stands still.
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """An engine with what the tests need to know about where it is."""

    name: str
    engine: Engine
    socket: Path
    #: A process in the network namespace of the engine, for a registry on its 127.0.0.1.
    process: int
    #: The program that the administrator would type.
    program: str = "docker"
    #: In what it may deviate: where it publishes ports, and whether it forbids new privileges.
    address: str = "127.0.0.1"
    no_new_privileges: int = 1

    def client(self):
        """docker-py as a user of the engine would use it."""
        version = "1.41"
        return APIClient(
            base_url=f"unix://{self.socket}", version=version, timeout=PATIENCE_SECONDS
        )


def tiny_image(name=None):
    """Id and archive of an image of its own, which nobody else uses."""
    return busybox_archive("amd64", labels={"test": name or secrets.token_hex(8)})


def a_spec(
    image_id, network, *, name=None, labels=None, aliases=("service",), nonce="", **settings
):
    """A container of the tiny image."""
    return ContainerSpec(
        name=name or f"mx-test-{secrets.token_hex(4)}",
        image_id=image_id,
        network=network,
        aliases=aliases,
        labels={**LABELS, **(labels or {})},
        settings=RunSettings(**{"memory_bytes": 32 * 1024 * 1024, "pids": 32, **settings}),
        extra_environment={"MATRIX_NONCE": nonce} if nonce else {},
    )


def read_all(stream, *, seconds=PATIENCE_SECONDS):
    """Everything a stream brings until its end."""
    chunks = []
    try:
        while chunk := stream.receive(deadline_seconds=seconds):
            chunks.append(chunk)
    finally:
        stream.close()
    return b"".join(chunk.data for chunk in chunks)


def ring(engine, container, bell):
    """Make the file that a container waits for; the container may end of it."""
    with suppress(ContainerLost):
        read_all(engine.open_exec(container, ["sh", "-c", f": >{bell}"]))


@contextmanager
def local_docker():
    """The machine's own engine."""
    engine = open_engine("docker", LOCAL_SOCKET)
    try:
        yield Place(name="docker", engine=engine, socket=LOCAL_SOCKET, process=os.getpid())
    finally:
        engine.close()


@contextmanager
def engine_in_a_container(name, suite, *, network="none"):
    """An engine of a Debian suite in a container, its socket in a folder we share with it."""
    with tempfile.TemporaryDirectory(prefix=f"mx-{name}-") as folder:
        client = APIClient(base_url=f"unix://{LOCAL_SOCKET}", version="auto", timeout=SECONDS)
        container = _start_engine(client, Path(folder), name, suite, network)
        try:
            socket = Path(folder, "sock")
            engine = open_when_ready(name, socket)
            process = client.inspect_container(container)["State"]["Pid"]
            yield Place(name=name, engine=engine, socket=socket, process=process, program=name)
            engine.close()
        finally:
            client.remove_container(container, v=True, force=True)
            client.close()


@contextmanager
def swarm_of_one(suite, *, no_new_privileges):
    """A swarm whose only node is its manager."""
    with engine_in_a_container("docker", suite) as place:
        # It has no network but its own.
        place.client().init_swarm(advertise_addr="127.0.0.1", listen_addr="127.0.0.1:2377")
        engine = open_engine("swarm", place.socket)
        try:
            yield replace(
                place,
                name="swarm",
                engine=engine,
                address="0.0.0.0",
                no_new_privileges=no_new_privileges,
            )
        finally:
            engine.close()


#: Name of a place → opens it. The first two are tried always, the others by the full tests.
PLACES = {
    "docker": local_docker,
    "podman": lambda: engine_in_a_container("podman", "trixie"),
    "docker-26": lambda: engine_in_a_container("docker", "trixie"),
    "docker-20.10.5": lambda: engine_in_a_container("docker", "bullseye"),
    "swarm": lambda: swarm_of_one("trixie", no_new_privileges=1),
    "swarm-20.10": lambda: swarm_of_one("bookworm", no_new_privileges=0),
}
USUAL_PLACES = ("docker", "podman")

#: Makes /sys and the cgroups writable as the lab's hosts do, then serves the API.
PREPARE = """
mount -o remount,rw,bind /sys
mount -o remount,rw /proc/sys 2> /dev/null
for one in /sys/fs/cgroup /sys/fs/cgroup/*; do
  if mountpoint -q "$one"; then mount -o remount,rw,bind "$one"; fi
done
mount --make-rshared /
"""
SERVE = {
    "podman": PREPARE
    + """
printf '[[registry]]\\nlocation = "127.0.0.1"\\ninsecure = true\\n' \
  > /etc/containers/registries.conf.d/test.conf
exec podman system service --time=0 unix:///shared/sock
""",
    "docker": PREPARE + "exec dockerd --host unix:///shared/sock --log-level=error",
}
STORAGE = {"podman": "/var/lib/containers", "docker": "/var/lib/docker"}


def _start_engine(client, folder, name, suite, network):
    config = client.create_host_config(
        binds={str(folder): {"bind": "/shared", "mode": "rw"}},
        cap_add=["ALL"],
        cap_drop=[*read_withheld_capabilities(), "SYS_TIME"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        device_cgroup_rules=["a *:* rwm"],
        devices=["/dev/fuse:/dev/fuse:rwm", "/dev/net/tun:/dev/net/tun:rwm"],
        tmpfs={"/run": "", "/tmp": "exec"},
        cgroupns="private",
        network_mode=network,
    )
    made = client.create_container(
        image=_lab_image(client, name, suite),
        labels=LABELS,
        entrypoint=["/bin/sh", "-c", SERVE[name]],
        volumes=[STORAGE[name]],
        host_config={**config, "MaskedPaths": [], "ReadonlyPaths": []},
    )
    client.start(made["Id"])
    return made["Id"]


def _lab_image(client, name, suite):
    """The lab's own image of such a host."""
    host = HostPlan(
        environment="test",
        name=name,
        address=IPv4Address("127.0.0.1"),
        port=22,
        user="root",
        identity_file=Path("/nonexistent"),
        known_hosts=Path("/nonexistent"),
        engine=name,
        engine_sudo=False,
        engine_socket="",
        suite=suite,
        packages=(),
        machine="container",
        rootless=False,
        ipv6=True,
        link=None,
        network=LabNetwork(name="none", subnet=IPv4Network("127.0.0.0/8"), internal=True),
        memory_bytes=None,
        pids=None,
        read_only=False,
        cgroup=None,
        sshd=(),
        seeded=False,
    )
    return ensure_image(client, host, context=ROOT / "images" / "lab", report=print)


@dataclass(kw_only=True)
class Dockerd:
    """A second dockerd, which a test may stop, kill and fill."""

    socket: Path
    #: First process of its namespaces; with it goes everything of the engine.
    guard: subprocess.Popen
    process: int

    def kill(self):
        """End dockerd; what it has started is left to itself."""
        os.kill(self.process, signal.SIGKILL)

    @contextmanager
    def stopped(self):
        """Hold dockerd up, every thread of it."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            until = time.monotonic() + START_SECONDS
            while any(state != "T" for state in self._thread_states()):
                assert time.monotonic() < until
                time.sleep(0.01)
            yield
        finally:
            os.kill(self.process, signal.SIGCONT)

    def _thread_states(self):
        for status in Path(f"/proc/{self.process}/task").glob("*/stat"):
            # A thread may end between the list and the look.
            with suppress(FileNotFoundError, ProcessLookupError):
                yield status.read_text().rsplit(")", 1)[1].split()[0]


#: PID 1 of the namespaces stays when dockerd goes, so that killing it is a test's business.
GUARD_COMMAND = """
dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" --host "unix://$1/sock" \
  --bridge=none --iptables=false --log-level=error > "$1/log" 2>&1 &
while :; do sleep 3600 & wait $!; done
"""


@contextmanager
def small_disk(folder, size_mebibytes):
    """A file system of its own for the data of a dockerd whose root is in *folder*."""
    (folder / "data").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mebibytes}m", "small", folder / "data"]
    subprocess.run(command, check=True)
    try:
        yield
    finally:
        # Gone already, when the dockerd on it was.
        subprocess.run(
            ["umount", "--lazy", folder / "data"], check=False, stderr=subprocess.DEVNULL
        )


@contextmanager
def second_dockerd(folder):
    """A dockerd with its root in *folder*, in network and process namespaces of its own.

    Beside the machine's own in one network namespace it would take away the docker0 of that.
    """
    folder = Path(folder)
    guard = subprocess.Popen(
        ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child",
         "sh", "-c", GUARD_COMMAND, "guard", str(folder)],
    )  # fmt: skip
    try:
        _wait_for(folder / "sock", folder / "log")
        yield Dockerd(socket=folder / "sock", guard=guard, process=_dockerd_of(guard.pid))
    finally:
        guard.kill()
        guard.wait()
        _unmount_below(folder)


@contextmanager
def registry(place):
    """The fake registry on the engine's own 127.0.0.1: port, and repository → digest."""
    inside = ["nsenter", "--net", "--target", str(place.process)]
    program = subprocess.Popen(
        [*inside, sys.executable, ROOT / "tests" / "builders" / "fake_registry.py"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield json.loads(program.stdout.readline())
    finally:
        program.kill()
        program.wait()
        program.stdout.close()


def open_when_ready(name, socket, **options):
    """An engine that may be starting still, or be held up by a machine that stands still."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            return open_engine(name, socket, **options)
        except (EngineError, DeadlineExceeded):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _wait_for(socket, log):
    until = time.monotonic() + START_SECONDS
    while not socket.exists():
        if time.monotonic() > until:
            raise EngineError(f"the second dockerd does not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)
    open_when_ready("docker", socket).close()


def _dockerd_of(guard):
    """The dockerd below the ``unshare`` process *guard*."""
    for process in _below(guard):
        if _read(f"/proc/{process}/comm").strip() == "dockerd":
            return process
    raise EngineError("the second dockerd has no process")


def _below(process):
    for child in map(int, _read(f"/proc/{process}/task/{process}/children").split()):
        yield child
        yield from _below(child)


def _read(path):
    """A file of a process, "" when that has just ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(path).read_text()
    return ""


def _unmount_below(folder):
    """What dockerd has mounted is seen outside too where mounts are shared."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((one for one in mounts if one.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False)
    shutil.rmtree(folder, ignore_errors=True)
