"""An opened project: its files, its store, its probe process."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matrix.core.model import Project
from matrix.core.ports import Images, Prober
from matrix.core.secrets import secrets_of
from matrix.core.store_ports import Store
from matrix.loading import load_project
from matrix.probing.prober import PytestProber
from matrix.store import open_store


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """Images that are at hand, made elsewhere."""

    #: Image name → id.
    ids: Mapping[str, str]
    source: Images


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """An opened project: its files read, its store open, its probe process ready."""

    project: Project
    store: Store
    prober: Prober
    #: Where images come from that are not built here; None: they are built or pulled.
    supply: Supply | None = None


@contextmanager
def opened(project: Project, *, supply: Supply | None = None) -> Iterator[Site]:
    """The project with its store and probe process; both are closed at the end."""
    # The process imports what it needs meanwhile.
    with PytestProber() as prober, opened_store(project) as store:
        yield Site(project=project, store=store, prober=prober, supply=supply)


@contextmanager
def opened_store(project: Project) -> Iterator[Store]:
    """The project's store alone, for what needs no probes; closed at the end."""
    store = open_store(store_path(project), secrets=secrets_of(project))
    try:
        yield store
    finally:
        store.close()


def store_path(project: Project) -> Path:
    """Where the project's store is."""
    return project.state / "store.sqlite"


def open_project(start: Path, inventories: Sequence[Path] = ()) -> Project:
    """The project that *start* lies in; raises ConfigError with every fault of every file."""
    return load_project(start, inventory=inventories)
