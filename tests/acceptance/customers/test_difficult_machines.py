"""A real service's kit where a customer would use it: behind closed doors, without any Python."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.containers import docker
from builders.customer_servers import CustomerServer
from builders.customers import Customer
from builders.engines import second_dockerd
from builders.trials import MATRIX

from matrix.lab.flow import down, up
from matrix.lab.plan import read_plan

pytestmark = [pytest.mark.engine, pytest.mark.lab, pytest.mark.full]

PROJECT = Path(__file__).parents[3]
CELL, RESULT = "web@customer", "customer-result.matrix"
#: A rootless engine has control groups of its own with version 2 only, and so limits only there.
CONTROLLERS = Path("/sys/fs/cgroup/cgroup.controllers")
#: What fails where limits are accepted and ignored.
UNLIMITED = {
    "test_memory_limit_is_enforced",
    "test_pids_limit_is_enforced",
    "test_memory_use_is_reported",
}
ALLOWED = 'customer namespaces="result@compat-matrix" {key}\n'
#: Fails where nothing outside can be reached.
NO_WAY_OUT = "timeout 3 bash -c 'exec 3<>/dev/tcp/1.1.1.1/80'"


class Sending:
    """The repository as a project, with a store of its own, and a kit made there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kit = folder / "web.matrix"
        for name in ("images", "inventories", "probes"):
            shutil.copytree(PROJECT / name, folder / name)
        shutil.copy(PROJECT / "matrix.toml", folder)
        cache = PROJECT / ".matrix" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        (folder / ".matrix").mkdir()
        (folder / ".matrix" / "cache").symlink_to(cache)
        made = self.matrix("bundle", "build", "--for", "customer", "-s", "web", "-o", self.kit)
        assert made.returncode == 0, made.stderr

    def matrix(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        argv = [str(MATRIX), *map(str, words)]
        return subprocess.run(
            argv, cwd=self.folder, capture_output=True, text=True, check=False, timeout=600
        )

    def verdict_of(self, result: Path, public_key: str) -> tuple[str, set[str]]:
        """What the column says once *result* was imported, and which probes failed."""
        signers = self.folder / "keys" / "allowed_signers"
        signers.parent.mkdir(exist_ok=True)
        with signers.open("a") as file:
            file.write(ALLOWED.format(key=" ".join(public_key.split()[:2])))
        taken = self.matrix("bundle", "import", result, "--json")
        assert taken.returncode == 0, taken.stderr
        cells = json.loads(self.matrix("report", "--json").stdout)["cells"]
        (cell,) = [one for one in cells if one["id"] == CELL]
        assert cell["reported_by"] == "customer"
        probes = cell["attempts"][-1]["probes"]
        failed = {one["id"].partition("::")[2] for one in probes if one["verdict"] == "FAILED"}
        return cell["verdict"], failed


@pytest.fixture
def sending(tmp_path_factory: pytest.TempPathFactory) -> Sending:
    return Sending(tmp_path_factory.mktemp("sending"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, CustomerServer]]:
    root = tmp_path_factory.mktemp("servers")
    (root / "images").symlink_to(PROJECT / "images")
    inventory = root / "inventories" / "lab.toml"
    inventory.parent.mkdir()
    inventory.write_text(Path(__file__).with_name("servers.toml").read_text())
    try:
        up(root, inventory, report=print)
        hosts = read_plan(root, inventory).hosts
        yield {host.environment: CustomerServer(host) for host in hosts}
    finally:
        down(root, inventory, report=print)


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_behind_a_closed_door_without_python_the_verdict_is_right_and_nothing_is_left(
    sending: Sending, servers: dict[str, CustomerServer], tmp_path: Path, engine: str
):
    server = servers[engine]
    assert server.run("command -v python3 python3.11").returncode != 0
    assert server.run(NO_WAY_OUT).returncode != 0
    server.put(sending.kit, to="site/web.matrix")
    public = server.output('cd site && ssh-keygen -q -t ed25519 -N "" -f key && cat key.pub')
    before = server.snapshot()
    done = server.run("cd site && sh web.matrix preflight --yes --key key")
    said = done.stderr.decode(errors="replace")
    limited = engine == "docker" or CONTROLLERS.exists()
    assert done.returncode == (0 if limited else 1), said + done.stdout.decode()
    assert "so the runner is run in a container" in said
    assert server.snapshot() == before
    names = {"web.matrix", "key", "key.pub", "report.html", RESULT}
    assert set(server.output("ls -A site").decode().split()) == names
    result = tmp_path / RESULT
    result.write_bytes(server.output(f"cat site/{RESULT}"))
    verdict, failed = sending.verdict_of(result, public.decode())
    assert (verdict, failed) == (("PASSED", set()) if limited else ("FAILED", UNLIMITED))


def test_a_machine_without_any_network_has_its_verdict(sending: Sending, customer: Customer):
    key = customer.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    words = ["sh", sending.kit, "preflight", "--yes", "--key", "key"]
    # The path of a socket has room for 107 bytes: not below the folder that pytest gives.
    folder = Path(tempfile.mkdtemp(prefix="kits-"))
    with second_dockerd(folder) as engine:
        alone = ["nsenter", "--net", "--target", str(engine.process)]
        customer.run(*alone, "ip", "link", "set", "lo", "up")
        assert customer.run(*alone, "ip", "route").stdout == ""
        done = customer.run(*alone, *words, "--engine-socket", engine.socket)
        left = [
            docker(*listing, socket=engine.socket)
            for listing in (("ps", "-aq"), ("images", "-aq"), ("volume", "ls", "-q"))
        ]
    assert done.returncode == 0, done.stderr + done.stdout
    assert left == ["", "", ""]
    assert list(customer.temporary.iterdir()) == []
    public = key.with_suffix(".pub").read_text()
    assert sending.verdict_of(customer.folder / RESULT, public) == ("PASSED", set())
