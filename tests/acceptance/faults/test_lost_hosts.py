"""Hosts and engines that go away in the middle of a probe."""

import time
from collections.abc import Callable

import pytest
from builders.sshd import wait_until
from builders.trials import Trial, Victim

pytestmark = [pytest.mark.engine, pytest.mark.lab]

#: Whoever swallows what happens, and then finds that something is absent, has found nothing.
CUT = """
import pytest
@pytest.mark.timeout(25)
def test_it(host, container, announce):
    if container.name.endswith("-1"):
        announce()
        try:
            host.run("sleep 20")
        except BaseException:
            pass
    assert not host.file("/nothing").exists
"""
#: iptables' words for dropping whatever comes and goes by SSH, without a word to either side.
DROPS = ("INPUT -p tcp --dport 22 -j DROP", "OUTPUT -p tcp --sport 22 -j DROP")


def cut_trial(trial: Trial, host: Victim, fault: Callable[[str, str], None], **settings) -> Trial:
    trial.add("cut", CUT, fault=fault, volumes=["/more"], **settings)
    trial.place("docker", host.host())
    return trial


def kill_sessions(host: Victim) -> None:
    time.sleep(0.5)
    host.sh("pkill -9 -f '[s]shd: deploy'")


def clean_up(trial: Trial, host: Victim, before: dict[str, set[str]]) -> None:
    """A sweep finds nothing that it cannot remove, and then all is as it was."""
    swept = trial.sweep()
    assert swept.code == 0, swept.stdout + swept.stderr
    # What served our connections there takes a moment to end.
    wait_until(lambda: host.snapshot() == before)


def test_a_session_killed_in_a_probe_is_tried_again_on_a_fresh_container(
    trial: Trial, docker_host: Victim
):
    before = docker_host.snapshot()
    cut_trial(trial, docker_host, lambda *_: kill_sessions(docker_host))
    result = trial.run()
    cell = result.cell("cut@docker")

    assert cell.tries == [("ERROR", "conn-lost"), ("PASSED", "")], cell.message
    assert cell.answer == ("WARNED", "retried")
    assert "passed only at attempt 2; first ERROR (conn-lost)" in cell.message
    assert cell.probe("test_it", attempt=0)["verdict"] == "ERROR"
    assert result.code == 0
    clean_up(trial, docker_host, before)


def test_a_host_cut_off_in_silence_is_an_error_and_cleans_itself(trial: Trial, docker_host: Victim):
    before = docker_host.snapshot()
    clean_after: list[float] = []

    def cut_off(*_: str) -> None:
        for drop in DROPS:
            docker_host.sh(f"iptables -I {drop}")
        began = time.monotonic()
        wait_until(lambda: not docker_host.engine("ps", "-aq"), seconds=90)
        wait_until(lambda: docker_host.snapshot() == before, seconds=90)
        clean_after.append(time.monotonic() - began)

    cut_trial(trial, docker_host, cut_off)
    try:
        result = trial.run()
    finally:
        for drop in DROPS:
            docker_host.sh(f"iptables -D {drop}")
    cell = result.cell("cut@docker")

    assert cell.tries[0] == ("ERROR", "conn-lost"), cell.message
    assert cell.answer[0] == "ERROR"
    assert cell.answer[1] in ("conn-lost", "unreachable")
    assert clean_after
    assert clean_after[0] < 3 * 30
    assert result.code == 5, "what cannot be looked at may be left"
    assert "matrix sweep" in result.stderr
    clean_up(trial, docker_host, before)


def test_an_engine_killed_in_a_command_is_a_lost_engine(trial: Trial, hurt_docker: Victim):
    before = hurt_docker.snapshot()

    def kill(*_: str) -> None:
        time.sleep(0.5)
        hurt_docker.sh("kill -9 $(pidof dockerd)")

    cut_trial(trial, hurt_docker, kill)
    result = trial.run("--retries", "0")
    cell = result.cell("cut@docker")

    assert cell.answer == ("ERROR", "engine-lost"), cell.message
    assert result.code in (3, 5), result.stderr
    hurt_docker.repair()
    clean_up(trial, hurt_docker, before)


@pytest.mark.full
def test_an_engine_that_hangs_is_an_error_in_time_and_can_be_used_again(
    trial: Trial, hurt_docker: Victim
):
    before = hurt_docker.snapshot()
    cut_trial(trial, hurt_docker, lambda *_: hurt_docker.sh("kill -STOP $(pidof dockerd)"))
    result = trial.run("--retries", "0")
    hurt_docker.repair()
    cell = result.cell("cut@docker")

    assert cell.answer == ("ERROR", "deadline"), cell.message
    assert "the engine did not answer in time" in cell.message
    assert cell.document["attempts"][0]["seconds"] < 60 + 3 * 30, "the cell's deadline and more"
    assert result.code == 5, "what cannot be looked at may be left"
    clean_up(trial, hurt_docker, before)
    trial.faults.clear()
    assert trial.run().cell("cut@docker").answer == ("PASSED", "")
