"""P5, T4: a host that hears nothing more from us is clean by itself."""

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest
from builders.host_snapshot import GUARDED, Snapshot, difference, look
from builders.remains import wait_until_as_before, wait_until_nothing
from builders.rig import Lab, Rig, going_on, run

pytestmark = [pytest.mark.engine, pytest.mark.lab, pytest.mark.usefixtures("whole_seconds")]

#: What is promised is 30 seconds.
CLEAN_SECONDS = 90
#: The rules that cut the line are there meanwhile.
BUT_THE_CUT = tuple(kind for kind in GUARDED if kind != "rules")
SSH = (("INPUT", "--dport"), ("OUTPUT", "--sport"))


@pytest.mark.parametrize("environment", ["prod", "site"])
def test_a_host_behind_a_line_that_swallows_everything_is_clean(
    lab: Lab, rig: Rig, before: dict[str, Snapshot], environment: str
):
    host = lab.host(environment)
    rig.make_probes_take(seconds=60)
    with going_on(rig.start("run", "-e", environment, "-s", "web", "--retries", "0")) as runner:
        runner.wait_until_measuring(f"web@{environment}")
        with swallowing(host):
            taken = wait_until_nothing(
                lambda: held(difference(before[host], look(host), BUT_THE_CUT)),
                seconds=CLEAN_SECONDS,
            )
            code = runner.wait(seconds=CLEAN_SECONDS)
    print(f"{host} clean {taken:.1f} s after the line was cut")
    # Nobody could look whether the host is clean, so something may be left.
    assert code == 5, runner.text
    ((verdict, reason),) = [row[3:5] for row in rig.cells()]
    assert verdict == "ERROR"
    assert reason in ("conn-lost", "engine-lost")
    rig.matrix("sweep")
    wait_until_nothing(lambda: held(difference(before[host], look(host))), seconds=CLEAN_SECONDS)


def test_hosts_whose_runner_is_frozen_are_clean(rig: Rig, before: dict[str, Snapshot]):
    rig.make_probes_take(seconds=60)
    with going_on(rig.start("run", "-s", "web")) as runner:
        for environment in ("prod", "site"):
            runner.wait_until_measuring(f"web@{environment}")
        os.kill(runner.process.pid, signal.SIGSTOP)
        for host, then in before.items():
            taken = wait_until_nothing(
                lambda then=then, host=host: held(difference(then, look(host), GUARDED)),
                seconds=CLEAN_SECONDS,
            )
            print(f"{host} clean {taken:.1f} s later")
        os.kill(runner.process.pid, signal.SIGCONT)
        runner.signal(signal.SIGINT)
        assert runner.wait(seconds=CLEAN_SECONDS) in (5, 130), runner.text
    rig.matrix("sweep")
    wait_until_as_before(before)


def held(remains: list[str]) -> list[str]:
    """*remains* without an sshd whose peer is silent and that has no session any more.

    A host has no way to tell whose it is; its own TCP ends it.
    """
    return [line for line in remains if "sshd: deploy" not in line]


@contextlib.contextmanager
def swallowing(host: str) -> Iterator[None]:
    """Drop every packet of SSH at the host, both ways and without a word."""
    inside = ("docker", "exec", f"compat-lab-{host}", "iptables")
    rules = [(chain, "-p", "tcp", port, "22", "-j", "DROP") for chain, port in SSH]
    for rule in rules:
        run(*inside, "-I", *rule)
    try:
        yield
    finally:
        for rule in rules:
            run(*inside, "-D", *rule)
