"""Output without end: kept at both ends, counted, and never more than a little in memory."""

import pytest
from builders.sshd import wait_until
from builders.trials import Result, Trial, Victim

pytestmark = [pytest.mark.engine, pytest.mark.lab]

GROWTH_BYTES = 64 * 1024 * 1024
LINE_BYTES = 200_000_000
GIBIBYTE = 1024**3

#: Service → seconds for its probe, command, what the probe wants of it, verdict and reason.
CASES: dict[str, tuple[int, str, str, tuple[str, str]]] = {
    "endless": (5, "yes", "rc == 0", ("ERROR", "deadline")),
    "dribble": (4, "while :; do printf x; sleep 1; done", "rc == 0", ("ERROR", "deadline")),
    "line": (
        90,
        f"head -c {LINE_BYTES} /dev/zero | tr '\\\\0' x",
        "stdout.startswith('x')",
        ("ERROR", "truncated"),
    ),
    "gibibyte": (150, f"head -c {GIBIBYTE} /dev/zero", "rc == 0", ("PASSED", "")),
}
PROBE = """
import pytest

@pytest.mark.timeout({seconds})
def test_it({side}, announce):
    announce()
    assert {side}.run({command!r}).{wish}
"""


def flood(trial: Trial, side: str, cases: dict) -> None:
    for name, (seconds, command, wish, _) in cases.items():
        probe = PROBE.format(side=side, seconds=seconds, command=command, wish=wish)
        trial.add(f"{name}-{side}", probe.replace("\\\\\\\\", "\\\\"), deadline="3m")


def growth_bytes(result: Result) -> int:
    """What the runner took while probes drowned it, and while it kept what all but the last found.

    What comes after the last is the writing of reports, within the same second.
    """
    began = min(result.signals.values())
    ended = max(
        at + result.cell(f"{service}@docker").probe("test_it")["seconds"]
        for service, at in result.signals.items()
    )
    before = [size for at, size in result.memory if at <= began][-1]
    return max(size for at, size in result.memory if began < at <= ended) - before


@pytest.fixture(scope="module")
def run(docker_host: Victim, tmp_path_factory) -> Result:
    trial = Trial(tmp_path_factory.mktemp("floods"))
    flood(trial, "host", CASES)
    flood(trial, "outside", CASES)
    trial.place("docker", docker_host.host())
    return trial.run("--retries", "0")


@pytest.mark.parametrize("side", ["host", "outside"])
@pytest.mark.parametrize("name", CASES)
def test_a_flood_is_never_green_where_what_was_cut_was_needed(run: Result, name: str, side: str):
    cell = run.cell(f"{name}-{side}@docker")

    assert cell.answer == CASES[name][3], cell.message


@pytest.mark.parametrize("side", ["host", "outside"])
@pytest.mark.parametrize(("name", "size_bytes"), [("line", LINE_BYTES), ("gibibyte", GIBIBYTE)])
def test_all_that_came_is_counted_and_both_ends_are_kept(
    run: Result, name: str, size_bytes: int, side: str
):
    command = run.cell(f"{name}-{side}@docker").probe("test_it")["commands"][-1]

    assert command["stdout_bytes"] == size_bytes
    assert command["truncated"]
    if name == "line":
        assert command["stdout"].startswith("xxx")
        assert command["stdout"].endswith("xxx")


def test_the_message_says_which_command_took_too_long(run: Result):
    assert "'yes'" in run.cell("endless-host@docker").message
    assert "host.run('while" in run.cell("dribble-host@docker").message
    assert "not done in time" in run.cell("dribble-outside@docker").message


def test_the_runner_takes_no_more_memory_than_it_may(run: Result):
    assert growth_bytes(run) <= GROWTH_BYTES, f"{growth_bytes(run):,}"


def test_what_ran_without_end_runs_no_more(run: Result, docker_host: Victim):
    wait_until(lambda: "yes" not in docker_host.sh("ps -eo comm").split())
    wait_until(lambda: docker_host.ours() == [])
