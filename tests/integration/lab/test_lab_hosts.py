"""The lab's verbs on this machine's engine, with a lab of their own beside anybody else's."""

import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest
from docker import APIClient
from docker.errors import NotFound

from matrix.core.errors import HostKeyRefused, NameConflict, UsageError
from matrix.lab import flow, readiness
from matrix.lab.flow import LabState, down, required_bases, seed, status, up
from matrix.lab.machine import open_engine
from matrix.lab.plan import read_plan
from matrix.lab.readiness import wait_until_ready

pytestmark = [pytest.mark.engine, pytest.mark.lab]

PROJECT = Path(__file__).parents[3]
INVENTORY = """
[environments.trial]
engine = "docker"
kind = "production"

[[environments.trial.hosts]]
name = "trial-1"
connection = "ssh"
address = "10.213.92.11"
user = "deploy"
identity_file = ".matrix/lab/keys/trial-1"
known_hosts = ".matrix/lab/known_hosts"

[environments.trial.lab]
suite = "bookworm"
network = { name = "compat-lab-trial", subnet = "10.213.92.0/24", internal = true }
memory = "512MiB"
pids = 300
read_only = true
sshd = ["DisableForwarding yes", "MaxSessions 2"]
seeded = true
"""
CONTAINER = "compat-lab-trial-1"
SETTINGS = "[environments.trial.lab]"


@pytest.fixture(scope="module")
def engine() -> Iterator[APIClient]:
    with open_engine() as client:
        yield client


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "images").symlink_to(PROJECT / "images")
    (folder / "lab.toml").write_text(INVENTORY)
    return folder


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """Hosts are waited for as long as they need on a machine that now and then stands still."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow, "READY_SECONDS", 300.0)
        patch.setattr(readiness, "_CONNECT_SECONDS", 90.0)
        yield


@pytest.fixture
def long_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is up is given time to say so, too."""
    monkeypatch.setattr(flow, "_GLANCE_SECONDS", 90.0)


@pytest.fixture(scope="module")
def host(root: Path) -> Iterator[Path]:
    """The project with its one host up, and nothing left afterwards."""
    up(root, root / "lab.toml", report=print)
    yield root
    (root / "lab.toml").write_text(INVENTORY)
    down(root, root / "lab.toml", report=print)


def ssh(root: Path, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    key = root / ".matrix/lab/keys/trial-1"
    words = ["ssh", "-F", "none", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
    words += ["-o", f"UserKnownHostsFile={root / '.matrix/lab/known_hosts'}"]
    words += ["-o", "StrictHostKeyChecking=yes", *options, "deploy@10.213.92.11", command]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)


def lines_of(work: Callable[..., None], root: Path) -> str:
    said: list[str] = []
    work(root, root / "lab.toml", report=said.append)
    return "\n".join(said)


@pytest.mark.usefixtures("long_look")
def test_a_host_that_is_up_answers_by_ssh_and_so_does_its_engine(host: Path):
    (found,) = status(host, host / "lab.toml")
    assert (found.state, found.container) == (LabState.READY, CONTAINER)
    assert found.engine.startswith("docker 20.10.24")
    answer = ssh(host, "docker info --format '{{.Driver}} {{.MemoryLimit}}'")
    assert answer.stdout.split() == ["overlay2", "true"]


def test_what_it_stands_on_is_known_beforehand(root: Path):
    assert required_bases(root, root / "lab.toml") == ("bookworm",)
    of_project = PROJECT / "inventories" / "lab.toml"
    assert required_bases(PROJECT, of_project, names=("qa", "customer")) == ("trixie", "bullseye")


@pytest.mark.usefixtures("long_look")
def test_up_leaves_a_host_alone_that_is_as_it_should_be(host: Path, engine: APIClient):
    before = engine.inspect_container(CONTAINER)["Id"]
    assert "up already" in lines_of(up, host)
    assert engine.inspect_container(CONTAINER)["Id"] == before


def test_the_hardened_host_forwards_nothing(host: Path):
    asked = ssh(host, "true", "-W", "127.0.0.1:22")
    assert "administratively prohibited" in asked.stderr


def test_the_hardened_host_bears_two_sessions(host: Path):
    (plan,) = read_plan(host, host / "lab.toml").hosts
    client = paramiko.SSHClient()
    client.load_host_keys(str(plan.known_hosts))
    with client:
        client.connect(
            str(plan.address),
            username=plan.user,
            key_filename=str(plan.identity_file),
            allow_agent=False,
            look_for_keys=False,
            banner_timeout=90,
        )
        transport = client.get_transport()
        assert transport is not None
        sessions = [transport.open_session(timeout=90) for _ in range(2)]
        with pytest.raises(paramiko.ChannelException):
            transport.open_session(timeout=90)
        assert len(sessions) == 2


def test_the_hardened_host_cannot_be_written_to(host: Path):
    assert ssh(host, "touch /etc/mark").stderr.strip().endswith("Read-only file system")


def test_the_closed_network_has_no_way_out(host: Path, engine: APIClient):
    # By address, so that it is not only the name that fails.
    way_out = ssh(host, "timeout 3 bash -c 'exec 3<> /dev/tcp/1.1.1.1/80'")
    assert way_out.returncode != 0
    assert engine.inspect_network("compat-lab-trial")["Internal"]


def test_root_and_passwords_are_refused(host: Path):
    answer = ssh(host, "true", "-l", "root")
    assert "Permission denied (publickey)" in answer.stderr


def test_an_image_is_seeded_once(host: Path, engine: APIClient):
    image = engine.inspect_image("compat-matrix/base:bookworm")["Id"]
    said: list[str] = []
    seed(host, host / "lab.toml", ("trial",), [image], said.append)
    seed(host, host / "lab.toml", ("trial",), [image], said.append)
    *progress, sent, got, again = said
    assert all("images: sent" in line for line in progress)
    assert ["all of them" in sent, "got 1 images" in got, "has all 1" in again] == [True] * 3
    answer = ssh(host, f"docker run --rm --network none {shlex.quote(image)} echo runs")
    assert answer.stdout == "runs\n"


def test_a_host_that_shows_another_key_is_refused_at_once(host: Path):
    (plan,) = read_plan(host, host / "lab.toml").hosts
    with pytest.raises(HostKeyRefused):
        wait_until_ready(plan, "ssh-ed25519 AAAA", deadline_seconds=90, alive=lambda: True)


def test_a_host_whose_engine_died_is_made_anew(host: Path, engine: APIClient):
    before = engine.inspect_container(CONTAINER)["Id"]
    started = engine.exec_create(CONTAINER, ["sh", "-c", "kill -9 $(pidof dockerd containerd)"])
    engine.exec_start(started["Id"])
    (silent,) = status(host, host / "lab.toml")
    assert silent.state is LabState.SILENT
    assert "made anew" in lines_of(up, host)
    assert engine.inspect_container(CONTAINER)["Id"] != before


def test_a_host_that_is_asked_otherwise_is_made_anew(host: Path, engine: APIClient):
    (host / "lab.toml").write_text(INVENTORY.replace("512MiB", "640MiB"))
    assert "has changed" in lines_of(up, host)
    assert engine.inspect_container(CONTAINER)["HostConfig"]["Memory"] == 640 * 2**20


def test_a_host_stops_at_once_when_told(host: Path, engine: APIClient):
    engine.stop(CONTAINER, timeout=120)
    state = engine.inspect_container(CONTAINER)["State"]
    assert state["ExitCode"] == 0
    assert status(host, host / "lab.toml")[0].state is LabState.STOPPED


def test_down_leaves_nothing_and_nothing_of_others(root: Path, engine: APIClient, host: Path):
    volumes = {mount["Name"] for mount in engine.inspect_container(CONTAINER)["Mounts"]
               if mount["Type"] == "volume"}  # fmt: skip
    decoy = engine.create_network("compat-lab-trial-decoy")["Id"]
    try:
        down(root, root / "lab.toml", report=print)
        assert engine.networks(ids=[decoy])
    finally:
        engine.remove_network(decoy)
    with pytest.raises(NotFound):
        engine.inspect_container(CONTAINER)
    assert not engine.networks(names=["^compat-lab-trial$"])
    left = {volume["Name"] for volume in engine.volumes()["Volumes"] or []}
    assert volumes
    assert not volumes & left
    assert not (root / ".matrix/lab").exists()


def test_a_container_of_somebody_else_is_never_taken(root: Path, engine: APIClient):
    stranger = engine.create_container(
        "compat-matrix/base:bookworm", name=CONTAINER, command="true"
    )["Id"]
    try:
        with pytest.raises(NameConflict):
            up(root, root / "lab.toml", report=print)
        down(root, root / "lab.toml", report=print)
        assert engine.inspect_container(stranger)
    finally:
        engine.remove_container(stranger, v=True)


def test_a_taken_subnet_is_told_before_anything_is_made(root: Path, engine: APIClient):
    route = (root / "lab.toml").read_text().replace("10.213.92.", "172.17.0.")
    (root / "lab.toml").write_text(route)
    try:
        with pytest.raises(UsageError, match=r"overlaps with 172\.17\.0\.0/16"):
            up(root, root / "lab.toml", report=print)
    finally:
        (root / "lab.toml").write_text(INVENTORY)
    with pytest.raises(NotFound):
        engine.inspect_container(CONTAINER)
