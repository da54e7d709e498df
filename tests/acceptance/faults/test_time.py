"""Clocks that are wrong or jump, a line that is slow, and what outlives its runner (H7, T6, X8)."""

import os
import re
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders.trials import Result, Trial, Victim, output

pytestmark = [pytest.mark.engine, pytest.mark.lab, pytest.mark.full]

DAY_SECONDS = 86_400
LIBFAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
LOOKS = """
def test_it(host, sabotage):
    sabotage()
    assert host.file("/start").exists
"""
#: The runner's heartbeat is lost in it unless lines are short: 1 kB a second.
SLOW = "tbf rate 8kbit burst 1600 latency 400ms"
WAITS = """
def test_it(host, announce):
    announce()
    host.run("sleep 4242")
"""


def clock(file: Path) -> dict[str, str]:
    """Under these variables a process reads its time of day, and no other clock, from *file*."""
    return {
        "LD_PRELOAD": LIBFAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def check_times(result: Result) -> None:
    """No time that went by is negative or a day long."""
    for cell in result.report["cells"]:
        for attempt in cell["attempts"]:
            spent = [attempt["seconds"], *attempt["steps"].values()]
            spent += [probe["seconds"] for probe in attempt["probes"]]
            assert all(0 <= seconds < 600 for seconds in spent), spent
    assert not re.search(r"-\d+(\.\d+)? (s|min|h)\b", result.stdout), result.stdout


@pytest.mark.parametrize("days", [1, -1])
def test_a_runner_whose_clock_is_a_day_off_measures_and_removes_the_same(
    trial: Trial, docker_host: Victim, days: int
):
    before = docker_host.snapshot()
    file = trial.folder / "clock"
    file.write_text(f"{days:+}d\n")
    trial.add("looks", LOOKS, volumes=["/more"])
    trial.place("docker", docker_host.host())
    result = trial.run(**clock(file))

    assert result.cell("looks@docker").answer == ("PASSED", ""), result.cell("looks@docker").message
    offset = result.host("docker")["facts"]["clock_offset_seconds"]
    assert abs(offset + days * DAY_SECONDS) < 60, "the host's clock is told against ours"
    check_times(result)
    assert docker_host.snapshot() == before
    assert trial.sweep().code == 0


@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_that_jumps_in_the_middle_of_a_cell_changes_no_verdict(
    trial: Trial, docker_host: Victim, days: int
):
    before = docker_host.snapshot()
    file = trial.folder / "clock"
    file.write_text("+0\n")
    trial.add("looks", LOOKS, fault=lambda *_: file.write_text(f"{days:+}d\n") and None)
    trial.place("docker", docker_host.host())
    result = trial.run(**clock(file))
    cell = result.cell("looks@docker")

    assert cell.answer == ("PASSED", ""), cell.message
    finished = datetime.fromisoformat(cell.document["finished_at"])
    ahead = (finished - datetime.now(UTC)).total_seconds()
    assert abs(ahead - days * DAY_SECONDS) < 600, "the clock did not jump"
    check_times(result)
    assert docker_host.snapshot() == before


def test_a_line_of_a_kilobyte_a_second_is_slow_and_nobodys_failure(
    trial: Trial, docker_host: Victim
):
    def slow_down(*_: str) -> None:
        docker_host.sh(f"tc qdisc replace dev eth0 root {SLOW}")

    trial.add("slow", LOOKS, fault=slow_down, deadline="90s")
    trial.place("docker", docker_host.host())
    try:
        result = trial.run("--retries", "0")
    finally:
        docker_host.sh("tc qdisc del dev eth0 root || true")
    cell = result.cell("slow@docker")

    slow = {("PASSED", ""), ("ERROR", "deadline"), ("ERROR", "conn-lost")}
    assert cell.answer in slow, cell.message
    assert result.signals, "the line was never slow"
    assert cell.document["attempts"][0]["seconds"] < 90 + 3 * 30
    assert trial.sweep().code == 0


def test_what_a_killed_runner_ran_in_a_container_ends_with_it(trial: Trial, docker_host: Victim):
    before = docker_host.snapshot()
    seen = []

    def kill(*_: str) -> None:
        time.sleep(1)
        seen.append(docker_host.sh("pgrep -fx 'sleep 4242' || true"))
        runner = output("pgrep", "-f", f"matrix run -C {trial.folder}").split()[0]
        os.kill(int(runner), signal.SIGKILL)

    trial.add("waits", WAITS, fault=kill)
    trial.place("docker", docker_host.host())
    trial.run()
    assert seen[0], "the command never ran"
    until = time.monotonic() + 3 * 30
    while docker_host.sh("pgrep -fx 'sleep 4242' || true"):
        assert time.monotonic() < until
        time.sleep(0.2)
    while docker_host.snapshot() != before:
        assert time.monotonic() < until
        time.sleep(0.2)
