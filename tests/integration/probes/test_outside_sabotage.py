"""The probes for every service: green on a container that is as it should be, and each of them red
when what it looks at is broken on purpose."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.sabotage import NOTHING, Sabotage, attempt, open_tools, read_sabotages
from docker import APIClient

from matrix.core.model import MEBIBYTE, Companion, Port, Readiness, RunSettings, Service
from matrix.core.verdict import Verdict
from matrix.execution.toolbox import Toolbox
from matrix.probing.prober import PytestProber
from matrix.wiring import build_socket

pytestmark = pytest.mark.engine

OUTSIDE = Path(__file__).parents[3] / "probes" / "outside"
SABOTAGES = read_sabotages(OUTSIDE / "sabotage.toml")
SERVICE = Service(
    name="subject",
    title="Subject",
    contents="one Redis and a neighbour",
    image="queue",
    settings=RunSettings(
        command=("redis-server", "--protected-mode", "no", "--dir", "/data"),
        volumes=("/data",),
        ports=(Port(name="redis", container=6379),),
        memory_bytes=64 * MEBIBYTE,
        pids=32,
        stop_grace_seconds=3.0,
        readiness=Readiness(command="redis-cli ping || redis-cli -p 7000 ping"),
    ),
    companions=(
        Companion(
            name="neighbour",
            image="queue",
            settings=RunSettings(command=("sleep", "600"), memory_bytes=32 * MEBIBYTE),
        ),
    ),
)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolbox]:
    with (
        PytestProber() as prober,
        open_tools(tmp_path_factory.mktemp("store"), prober) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def image_ids() -> dict[str, str]:
    with APIClient(base_url=f"unix://{build_socket()}", version="auto") as client:
        return {"queue": client.inspect_image("compat-matrix/queue:dev")["Id"]}


def test_a_container_as_it_should_be_passes_all(tools: Toolbox, image_ids: dict[str, str]):
    found = attempt(tools, SERVICE, image_ids, folders=(OUTSIDE,), sabotage=NOTHING)
    seen = {name: (one.verdict, one.message) for name, one in found.items()}
    assert seen == dict.fromkeys(found, (Verdict.PASSED, ""))


def test_every_probe_has_a_sabotage(tools: Toolbox):
    probes = {probe.id for probe in tools.prober.collect((OUTSIDE,))}
    named = {f"outside/{probe}" for sabotage in SABOTAGES for probe in sabotage.probes}
    assert named == {probe for probe in probes if probe.startswith("outside/")}


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_it_is_red(sabotage: Sabotage, tools: Toolbox, image_ids: dict[str, str]):
    found = attempt(
        tools,
        SERVICE,
        image_ids,
        folders=(OUTSIDE,),
        sabotage=sabotage,
        only=frozenset(sabotage.probes),
    )
    assert {name: one.verdict for name, one in found.items()} == dict.fromkeys(
        sabotage.probes, Verdict.FAILED
    ), [one.message for one in found.values()]
