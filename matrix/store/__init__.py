"""Where everything measured is kept: runs, cells, evidence, the journal of what we made."""

import secrets as _random
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import cast

from matrix.core.errors import StoreError
from matrix.core.run_id import SALTS, run_id
from matrix.core.store_ports import Store
from matrix.core.text import clean

#: Scheme of the store's URL → the function that opens it.
STORES = {
    "memory": "matrix.store.memory:open_memory",
    "sqlite": "matrix.store.sqlite:open_sqlite",
}


def open_store(url_or_path: str | Path, *, secrets: Iterable[str] = ()) -> Store:
    """The store at a path (SQLite) or URL, made when there is none.

    *secrets* are the values that must never be written; what may hold them is cleaned on the way
    in (core.sink). Raises StoreError when it cannot be used, with what to do.
    """
    url = str(url_or_path)
    scheme = url.partition("://")[0] if "://" in url else "sqlite"
    if scheme not in STORES:
        message = f"{url}: unknown store {scheme!r} (known: {', '.join(sorted(STORES))})"
        raise StoreError(message)
    module, _, function = STORES[scheme].partition(":")
    opened = getattr(import_module(module), function)(
        url, clean=partial(clean, secrets=tuple(secrets))
    )
    return cast(Store, opened)


def new_run_id(now: datetime) -> str:
    """A fresh id for a run that starts *now*: twelve characters, sortable by time."""
    return run_id(now, salt=_random.randbelow(SALTS))
