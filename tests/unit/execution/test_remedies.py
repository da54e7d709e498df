"""What an administrator is told to do is one command, and nothing else."""

from dataclasses import replace

import pytest
from builders.hosts import World, a_planned_cell

from matrix.core.errors import EngineError, LeftoverError
from matrix.core.model import Host
from matrix.execution.pool import Pool
from matrix.execution.remedies import remedy_of

HOST = Host(name="qa-1", connection="local")
BUSY = LeftoverError("container c1 is left: device or resource busy", remedy="docker rm -f c1")


@pytest.mark.parametrize(
    ("error", "host", "remedy"),
    [
        (BUSY, HOST, "docker rm -f c1"),
        (BUSY, replace(HOST, engine_sudo=True), "sudo docker rm -f c1"),
        (LeftoverError("it stays"), HOST, "matrix sweep"),
        (EngineError("500: it did not like that"), HOST, "matrix sweep"),
    ],
    ids=["the engine's", "by sudo", "none known", "another error"],
)
def test_a_remedy_can_be_pasted_into_a_shell(error, host, remedy):
    assert remedy_of(error, host) == remedy


def test_why_something_is_left_is_told_beside_its_remedy():
    world = World()
    world.engine.refusal = BUSY
    world.engine.stuck = {"container-2"}
    (left, *_) = Pool(world.tools(), world.order).run(world.plan(a_planned_cell("queue/x")))
    assert left.remedy == "docker rm -f c1"
    assert str(BUSY) in [event.text for event in world.events if event.kind == "note"]
