"""Full disks, floods of log lines, and whose fault it is that memory runs out (H1, H2, H4)."""

import random
import subprocess
import tempfile
from pathlib import Path

import pytest
from builders.engines import second_dockerd, small_disk
from builders.trial_images import TINY, write_image
from builders.trials import Trial, Victim

pytestmark = [pytest.mark.engine, pytest.mark.lab]

PASSES = "def test_it(host):\n    assert host.file('/start').exists\n"
LOG_BYTES = 60_000_000
#: Two files of 5 MiB, and what is written between two looks at their size.
LOG_MOST_BYTES = 2 * 5 * 1024**2 + 1024**2
FLOODS = f"""
import pytest
@pytest.mark.timeout(60)
def test_it(host, sabotage):
    assert host.run("yes 0123456789abcdef | head -c {LOG_BYTES} > /proc/1/fd/1").rc == 0
    sabotage()
"""
SCORED = """
def test_it(host, outside):
    assert int(host.file("/proc/1/oom_score_adj").content_string) >= 0
    assert int(outside.file("/proc/self/oom_score_adj").content_string) >= 0
"""
#: A process that somebody runs in the container, beside the service's own.
EATS_BESIDE = """
def test_it(host, container):
    assert host.run("tail -n 1 /dev/zero").rc != 0
    assert container.state.running
"""
FAT_MEBIBYTES = 14


@pytest.fixture
def folder():
    """A short one: what containerd listens on below it may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="mx-disk-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def test_an_image_that_would_fill_the_disk_is_not_brought(trial: Trial, folder: Path):
    """H1, the preflight: what of it would be there afterwards is looked for on the engine."""
    digits = random.Random(1).randbytes(FAT_MEBIBYTES << 19).hex()
    write_image(
        trial.folder / "images" / "fault-fat",
        {"Dockerfile": TINY + "COPY fat /fat\n", "start": "exec sleep 60", "fat": digits},
    )
    trial.images["fault-fat"] = {"context": "fault-fat"}
    trial.add("fat", PASSES, image="fault-fat")
    trial.add("thin", PASSES)
    with small_disk(folder, 32), second_dockerd(folder) as dockerd:
        host = {"name": "small", "connection": "local", "engine_socket": str(dockerd.socket)}
        trial.place("small", host)
        try:
            result = trial.run()
            images = subprocess.run(
                ["docker", "-H", f"unix://{dockerd.socket}", "image", "ls", "-aq"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
        finally:
            subprocess.run(
                ["docker", "rmi", "compat-matrix/fault-fat:dev"], capture_output=True, check=False
            )
    cell = result.cell("fat@small")

    assert cell.answer == ("ERROR", "disk"), cell.message
    assert "needs 2 times that" in cell.message
    assert cell.tries == [("ERROR", "disk")], "it is not tried again"
    assert result.cell("thin@small").answer == ("PASSED", ""), result.cell("thin@small").message
    assert len(images) == 2, "the golden image and that of the thin service"


@pytest.mark.full
def test_a_flood_of_log_lines_fills_no_disk(trial: Trial, docker_host: Victim):
    """H2: asked of the host's own file system, while the container is there."""
    sizes = []

    def measure(*_: str) -> None:
        files = "/var/lib/docker/containers/*/*-json.log*"
        sizes.append(int(docker_host.sh(f"du -cb {files} | tail -n 1").split()[0]))

    trial.add("floods", FLOODS, fault=measure, deadline="2m")
    trial.add("scored", SCORED)
    trial.add("eats-beside", EATS_BESIDE)
    trial.place("docker", docker_host.host(), limits={"parallel": 1, "free_disk": "10MiB"})
    result = trial.run("--retries", "0")

    assert result.cell("floods@docker").answer == ("PASSED", ""), result.cell(
        "floods@docker"
    ).message
    assert 5 * 1024**2 < sizes[0] < LOG_MOST_BYTES
    assert result.cell("scored@docker").answer == ("PASSED", "")
    beside = result.cell("eats-beside@docker")
    assert beside.answer == ("PASSED", ""), f"H4: the service's own process lives: {beside.message}"
