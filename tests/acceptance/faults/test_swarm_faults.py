"""What happens to a cell on a swarm: its node is taken away, its runner is killed (E16, P4, P5)."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from builders.swarm import node_id, swarm
from builders.trials import Trial

pytestmark = [pytest.mark.engine]

PASSES = "def test_it(host):\n    assert host.file('/start').exists\n"
NEGATED = """
import pytest
@pytest.mark.timeout(120)
def test_it(host, sabotage):
    sabotage()
    assert not host.file("/start").exists
"""
WAITS = """
import time
def test_it(announce):
    announce()
    time.sleep(2)
"""
#: What P5 promises, three times.
CLEAN_SECONDS = 90


@pytest.fixture(scope="module")
def nodes():
    """A manager and a worker."""
    with swarm() as places:
        yield places


@pytest.fixture
def trial(tmp_path, nodes) -> Trial:
    """A project with the two of them as one environment, the manager first."""
    trial = Trial(tmp_path)
    trial.environments["cluster"] = {
        "kind": "cluster",
        "engine": "swarm",
        "limits": {"parallel": 1, "free_disk": "10MiB"},
        "hosts": [
            {"name": name, "connection": "local", "engine_socket": str(place.socket)}
            for name, place in zip(("manager", "worker"), nodes, strict=True)
        ],
    }
    return trial


@pytest.fixture
def set_availability(nodes):
    """Changes what the manager does with the worker; it is as before at the end."""
    manager, worker = nodes[0].client(), node_id(nodes[1])

    def set_to(availability):
        found = manager.inspect_node(worker)
        spec = {**found["Spec"], "Availability": availability}
        manager.update_node(worker, found["Version"]["Index"], spec)

    yield set_to
    set_to("active")


def left_on(nodes):
    """What of ours the two engines and the swarm have."""
    label = {"label": "io.compat-matrix.run"}
    found = [f"service {one['Spec']['Name']}" for one in nodes[0].client().services(filters=label)]
    for place in nodes:
        client = place.client()
        found += [f"container {one['Names']}" for one in client.containers(all=True, filters=label)]
        found += [f"network {one['Name']}" for one in client.networks(filters=label)]
        found += [f"volume {one['Name']}" for one in client.volumes(filters=label)["Volumes"] or []]
    return found


def wait_until_clean(nodes, seconds):
    until = time.monotonic() + seconds
    while left := left_on(nodes):
        assert time.monotonic() < until, left
        time.sleep(0.2)


def runner_of(trial):
    """The process of ``matrix run`` on the project."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"run" in words and str(trial.folder).encode() in words:
            return int(folder.name)
    raise AssertionError("no runner")


@pytest.mark.full
def test_a_cell_runs_on_every_node_and_its_evidence_says_on_which(trial, nodes):
    trial.add("passes", PASSES, volumes=["/data"])
    result = trial.run()
    cell = result.cell("passes@cluster")
    assert cell.answer == ("PASSED", ""), cell.message
    attempts = cell.document["attempts"]
    assert sorted(one["host"] for one in attempts) == ["manager", "worker"]
    hosts = next(one for one in result.report["environments"] if one["name"] == "cluster")["hosts"]
    assert [one["facts"]["engine.role"] for one in hosts] == ["manager", "worker"]
    assert all("every address" in one["deviations"][0] for one in hosts)
    assert left_on(nodes) == []


def test_a_task_that_is_taken_off_its_node_is_an_error_of_its_own(trial, nodes, set_availability):
    def drain(_, container):
        task = nodes[0].client().tasks(filters={"service": container})[0]
        if task["NodeID"] == node_id(nodes[1]):
            set_availability("drain")
            until = time.monotonic() + 90
            while nodes[1].client().containers(filters={"label": "io.compat-matrix.run"}):
                assert time.monotonic() < until
                time.sleep(0.1)

    trial.add("moved", NEGATED.replace("assert not", "assert"), fault=drain, deadline="4m")
    result = trial.run()
    cell = result.cell("moved@cluster")
    assert cell.answer == ("ERROR", "moved"), cell.message
    assert "was moved by its cluster" in cell.message
    tries = [(one["host"], one["verdict"], one["reason"]) for one in cell.document["attempts"]]
    assert sorted(tries) == [("manager", "PASSED", ""), ("worker", "ERROR", "moved")]
    assert result.code == 3
    assert left_on(nodes) == []


def below(process):
    """All that a process has started, and what that has."""
    children = []
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            children += map(int, (thread / "children").read_text().split())
    for child in children:
        yield child
        yield from below(child)


def kill_runner(process):
    os.kill(process, signal.SIGKILL)


def kill_runner_and_guards(process):
    """Nothing that could clean up is left."""
    os.kill(process, signal.SIGSTOP)
    for one in [*below(process)]:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    os.kill(process, signal.SIGKILL)


@pytest.fixture
def killed_on_the_worker(trial, nodes):
    """Runs a cell until it waits on the worker, and then kills; what there was by then."""

    def run(kill):
        seen = []

        def fault(_, container):
            task = nodes[0].client().tasks(filters={"service": container})[0]
            if task["NodeID"] == node_id(nodes[1]):
                seen.extend(left_on(nodes))
                kill(runner_of(trial))

        trial.add("waits", WAITS, fault=fault, volumes=["/data"])
        trial.run("--retries", "0")
        assert {one.split()[0] for one in seen} == {"service", "container", "network", "volume"}

    return run


@pytest.mark.full
def test_a_killed_runner_leaves_nothing_on_manager_and_worker(trial, nodes, killed_on_the_worker):
    killed_on_the_worker(kill_runner)
    wait_until_clean(nodes, CLEAN_SECONDS)
    swept = trial.sweep()
    assert swept.code == 0
    assert not {"container", "network", "volume"} & set(swept.stdout.split()), swept.stdout


@pytest.mark.full
def test_a_sweep_removes_what_no_guard_could(trial, nodes, killed_on_the_worker):
    killed_on_the_worker(kill_runner_and_guards)
    assert {one.split()[0] for one in left_on(nodes)} >= {"service", "network"}
    swept = trial.sweep()
    assert swept.code == 0, swept.stdout
    assert {"container", "network"} <= set(swept.stdout.split()), swept.stdout
    assert left_on(nodes) == []
