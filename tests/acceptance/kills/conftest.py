"""Hosts of their own for the tests that kill runners, with decoys on them; nothing is left."""

import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.decoys import planted
from builders.host_snapshot import Snapshot, look
from builders.rig import Lab, Rig, make_rig


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The hosts, up and with decoys; an engine that is missing makes every test fail here."""
    made = Lab(root=tmp_path_factory.mktemp("lab"), salt=secrets.token_hex(3))
    try:
        made.up()
        with planted(made.hosts, salt=made.salt):
            yield made
    finally:
        made.down()


@pytest.fixture
def rig(lab: Lab, tmp_path: Path) -> Iterator[Rig]:
    """A fresh project; whatever its test left on the hosts is gone afterwards."""
    yield from _rig(tmp_path / "one", lab)


@pytest.fixture
def other_rig(lab: Lab, tmp_path: Path) -> Iterator[Rig]:
    """Somebody else's project, with a store of its own, for the same hosts."""
    yield from _rig(tmp_path / "other", lab)


@pytest.fixture
def before(lab: Lab) -> dict[str, Snapshot]:
    """Each lab host as it is before the test."""
    return {host: look(host) for host in lab.hosts}


@pytest.fixture(scope="session")
def whole_seconds(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a run takes that nobody kills; every cell of it is green."""
    rig = make_rig(tmp_path_factory.mktemp("whole"), lab)
    rig.matrix("image", "build")
    began = time.monotonic()
    rig.matrix("run")
    took = time.monotonic() - began
    rig.matrix("sweep")
    shutil.rmtree(rig.temporary)
    return took


def _rig(folder: Path, lab: Lab) -> Iterator[Rig]:
    folder.mkdir()
    rig = make_rig(folder, lab)
    yield rig
    rig.matrix("sweep", expect=range(256))
    shutil.rmtree(rig.temporary)
