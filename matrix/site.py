"""An opened project: its files, its store, its probe process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matrix.core.model import Project
from matrix.core.ports import Prober
from matrix.core.secrets import secrets_of
from matrix.core.store_ports import Store
from matrix.loading import load_project
from matrix.probing.prober import PytestProber
from matrix.store import open_store


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """An opened project: its files read, its store open, its probe process ready."""

    project: Project
    store: Store
    prober: Prober


@contextmanager
def opened(project: Project) -> Iterator[Site]:
    """The project with its store and probe process; both are closed at the end."""
    store = open_store(project.state / "store.sqlite", secrets=secrets_of(project))
    try:
        with PytestProber() as prober:
            yield Site(project=project, store=store, prober=prober)
    finally:
        store.close()


def open_project(start: Path, inventories: Sequence[Path] = ()) -> Project:
    """The project that *start* lies in; raises ConfigError with every fault of every file."""
    return load_project(start, inventory=inventories)
