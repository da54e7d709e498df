"""What happens to a container while it is probed, and what each engine's cells say about it."""

from collections.abc import Callable

import pytest
from builders.trials import Fault, Result, Trial, Victim

pytestmark = [pytest.mark.engine, pytest.mark.lab]

PASSES = "def test_it(host):\n    assert host.file('/start').exists\n"
FAILS = "def test_it(host):\n    assert host.file('/nothing').exists\n"
#: Seconds that a container which is paused is waited for: enough for pausing it on a machine that
#: now and then stands still.
HANGS_SECONDS = 12
NEGATED = """
import pytest
@pytest.mark.timeout({seconds})
def test_it(host, sabotage):
    sabotage()
    assert not host.file("/start").exists
"""
SWALLOWING = """
import pytest
@pytest.mark.timeout({seconds})
def test_it(host, sabotage):
    sabotage()
    try:
        assert host.run("true").rc == 0
    except BaseException:
        pass
"""
UNUSED = """
def test_it(sabotage):
    sabotage()
"""
MID_COMMAND = """
def test_it(host, announce):
    announce()
    assert host.run("sleep 20").rc != 0
"""
ENDS = """
def test_it(host):
    host.run("touch /data/{file}; sleep 20")
"""
ABSENT = f"127.0.0.1:1/none@sha256:{'0' * 64}"

#: Service → its probe, what is done to its container, what it should say, settings.
CASES: dict[str, tuple[str, str, tuple[str, str], dict]] = {
    "passes": (PASSES, "", ("PASSED", ""), {}),
    "fails": (FAILS, "", ("FAILED", "assertion"), {}),
    "removed": (NEGATED, "rm -f", ("ERROR", "container-lost"), {}),
    "removed-in-command": (MID_COMMAND, "rm -f", ("ERROR", "container-lost"), {}),
    "removed-swallowed": (SWALLOWING, "rm -f", ("ERROR", "container-lost"), {}),
    "removed-unused": (UNUSED, "rm -f", ("ERROR", "container-lost"), {}),
    "paused": (NEGATED, "pause", ("ERROR", "container-lost"), {}),
    "paused-swallowed": (SWALLOWING, "pause", ("ERROR", "container-lost"), {}),
    "killed": (NEGATED, "kill", ("ERROR", "container-lost"), {}),
    "killed-swallowed": (SWALLOWING, "kill", ("ERROR", "container-lost"), {}),
    "restarted": (UNUSED, "restart -t 0", ("ERROR", "container-lost"), {}),
    "exits": (ENDS.format(file="exit"), "", ("FAILED", "exited"), {}),
    "eats": (ENDS.format(file="eat"), "", ("FAILED", "limit:memory"), {"memory": "16MiB"}),
    "unready": (
        PASSES,
        "",
        ("FAILED", "not-ready"),
        {"readiness": {"command": "echo not yet >&2; false", "timeout": "6s"}},
    ),
    "lonely": (
        PASSES,
        "",
        ("ERROR", "pull"),
        {"companions": [{"name": "friend", "image": "absent"}]},
    ),
}
#: Those that Podman is to answer alike.
ON_PODMAN = ("passes", "fails", "removed", "killed-swallowed", "exits", "lonely")
#: What the message has to tell whoever reads it.
WORDS = {
    "removed": "is gone, and not by our doing",
    "paused": "is paused, and not by our doing",
    "killed": "was killed from outside",
    "restarted": "was started again",
    "exits": "exited with status 3",
    "eats": "needs more memory than it declares",
    "unready": "exits with 1: not yet",
    "lonely": "pulling 127.0.0.1:1/none@sha256:",
}


def write_cases(trial: Trial, fault: Callable[[str], Fault | None]) -> None:
    for name, (probes, does, _, settings) in CASES.items():
        seconds = HANGS_SECONDS if does == "pause" else 60
        trial.add(
            name,
            probes.replace("{seconds}", str(seconds)),
            fault=fault(does),
            volumes=["/more"],
            **settings,
        )
    trial.images["absent"] = {"reference": ABSENT}


@pytest.fixture(scope="module")
def before(victims) -> dict[str, dict[str, set[str]]]:
    return {name: victim.snapshot() for name, victim in victims.items()}


@pytest.fixture(scope="module")
def table(victims: dict[str, Victim], before, tmp_path_factory) -> Result:
    """All cases on both hosts, in one run."""

    def fault(does: str) -> Fault | None:
        def do(environment: str, container: str) -> None:
            victims[environment].engine(*does.split(), container)

        return do if does else None

    trial = Trial(tmp_path_factory.mktemp("containers"))
    write_cases(trial, fault)
    for name, victim in victims.items():
        trial.place(name, victim.host(), engine=victim.plan.engine)
    left_out = [name for name in CASES if name not in ON_PODMAN]
    options = [word for name in left_out for word in ("-x", f"{name}@podman")]
    result = trial.run(*options)
    assert trial.sweep().code == 0
    return result


@pytest.mark.parametrize("name", CASES)
def test_a_fault_of_a_container_has_its_verdict_and_reason(table: Result, name: str):
    cell = table.cell(f"{name}@docker")

    assert cell.answer == CASES[name][2], cell.message
    assert WORDS.get(name, "") in cell.message


@pytest.mark.parametrize("name", ON_PODMAN)
def test_podman_gives_the_same_answers(table: Result, name: str):
    cell = table.cell(f"{name}@podman")

    assert cell.answer == CASES[name][2], cell.message


@pytest.mark.parametrize("name", CASES)
def test_only_an_error_is_tried_again_and_nothing_turns_green_by_it(table: Result, name: str):
    expected = CASES[name][2]
    times = 2 if expected[0] == "ERROR" else 1

    assert table.cell(f"{name}@docker").tries == [expected] * times


def test_a_failed_cell_decides_the_exit_code(table: Result):
    assert table.code == 1, table.stderr


@pytest.mark.parametrize("environment", ["docker", "podman"])
def test_nothing_is_left_on_the_host_not_even_anonymous_volumes(
    table: Result, before, victims: dict[str, Victim], environment: str
):
    assert table.report["leftovers"] == []
    assert victims[environment].snapshot() == before[environment]
