"""The store of who made a kit, and what comes back to it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.results import Sent, a_kit, dump, take_in

from matrix.bundle.keyring import Keyring
from matrix.core.errors import Refused
from matrix.core.store_ports import Store
from matrix.store import open_store


@pytest.fixture(scope="session")
def issuing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that knows of the one kit; to be copied."""
    path = tmp_path_factory.mktemp("issuing") / "store.sqlite"
    store = open_store(path)
    store.record_kit(a_kit())
    store.close()
    return path


@pytest.fixture
def database(tmp_path: Path, issuing: Path) -> Path:
    """The file of the store."""
    path = tmp_path / "store.sqlite"
    shutil.copyfile(issuing, path)
    return path


@pytest.fixture
def sent() -> Sent:
    """Who sends a result."""
    return Sent()


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    """The store of who made the kit."""
    opened = open_store(database)
    yield opened
    opened.close()


@pytest.fixture
def refuse(store: Store, sent: Sent, database: Path, tmp_path: Path):
    """Imports bytes that must be refused, and sees that nothing in the store has changed."""

    def refused(data: bytes, match: str, *, ring: Keyring | None = None, **how) -> None:
        before = dump(database)
        with pytest.raises(Refused, match=match):
            take_in(store, data, ring or sent.ring(), tmp_path, **how)
        assert dump(database) == before

    return refused
