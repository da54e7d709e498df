"""Hosts of their own for the tests that kill runners, with decoys on them; nothing is left."""

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.decoys import plant_here, plant_on
from builders.host_snapshot import Snapshot, look
from builders.rig import REMOTE, Lab, Rig, make_lab, make_rig, run


@pytest.fixture(scope="session")
def salt() -> str:
    """Makes the image of these tests another one than that of any session before."""
    return secrets.token_hex(4)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The hosts, up and with decoys; an engine that is missing makes every test fail here."""
    made = make_lab(tmp_path_factory.mktemp("lab"))
    try:
        made.up()
        with contextlib.ExitStack() as decoys:
            for host in REMOTE.values():
                plant_on(host)
            decoys.enter_context(plant_here())
            yield made
    finally:
        made.down()
        run("docker", "image", "rm", "-f", "compat-matrix/kill-web:dev", check=False)


@pytest.fixture
def rig(lab: Lab, salt: str, tmp_path: Path) -> Iterator[Rig]:
    """A fresh project; whatever its test left on the hosts is gone afterwards."""
    yield from _rig(tmp_path / "one", lab, salt)


@pytest.fixture
def other_rig(lab: Lab, salt: str, tmp_path: Path) -> Iterator[Rig]:
    """Somebody else's project, with a store of its own, for the same hosts."""
    yield from _rig(tmp_path / "other", lab, salt)


@pytest.fixture
def before(lab: Lab) -> dict[str, Snapshot]:
    """Each lab host as it is before the test."""
    return {host: look(host) for host in REMOTE.values()}


@pytest.fixture(scope="session")
def whole_seconds(lab: Lab, salt: str, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a run takes that nobody kills; every cell of it is green."""
    rig = make_rig(tmp_path_factory.mktemp("whole"), lab, salt=salt)
    rig.matrix("image", "build")
    began = time.monotonic()
    rig.matrix("run")
    took = time.monotonic() - began
    rig.matrix("sweep")
    shutil.rmtree(rig.temporary)
    return took


def _rig(folder: Path, lab: Lab, salt: str) -> Iterator[Rig]:
    folder.mkdir()
    rig = make_rig(folder, lab, salt=salt)
    yield rig
    rig.matrix("sweep", expect=range(256))
    shutil.rmtree(rig.temporary)
