"""What may not leave a customer's machine, and keeping it from everything that is written there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from matrix.app import Show
from matrix.bundle.redaction_key import default_place, load_or_make_key, passing_key
from matrix.core.errors import UsageError
from matrix.core.model import Project
from matrix.core.plan import Plan
from matrix.core.ports import Event, Watcher
from matrix.core.redacted import parts_of_name, redact_event
from matrix.core.redaction import Redactor, Removed
from matrix.core.secrets import secrets_in, secrets_of
from matrix.core.store_ports import Store
from matrix.core.text import decode
from matrix.hosts.identity import own_identity
from matrix.site import Site
from matrix.store.redacting import RedactingStore, as_store

#: The most that a file with words may hold.
WORDS_CAP_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class RedactionWish:
    """What the customer says about redacting."""

    words: tuple[str, ...] = ()
    #: Files with one word a line.
    files: tuple[Path, ...] = ()
    #: None for the usual place.
    key_file: Path | None = None


def open_redactor(wish: RedactionWish) -> Redactor:
    """One that keeps its key; raises UsageError for a file that cannot be used."""
    return _redactor(wish, load_or_make_key(wish.key_file or default_place()))


def passing_redactor(wish: RedactionWish) -> Redactor:
    """One for what is not kept: its tokens are like no others. Raises UsageError as well."""
    return _redactor(wish, passing_key())


def _redactor(wish: RedactionWish, key: bytes) -> Redactor:
    """It knows this machine and this process's environment."""
    identity = own_identity()
    return Redactor(
        key,
        secrets=secrets_in(os.environ),
        names={part for name in identity.names for part in parts_of_name(name)},
        accounts=identity.accounts,
        chosen=(*wish.words, *(word for file in wish.files for word in _words_of(file))),
    )


def redacted_site(site: Site, redactor: Redactor) -> Site:
    """*site* with a store into which nothing gets that may not leave."""
    redactor.learn(secrets=secrets_of(site.project), spared=_words_of_sender(site.project))
    return replace(site, store=as_store(RedactingStore(site.store, redactor)))


def redacted_show(show: Show, redactor: Redactor) -> Show:
    """*show* with every event redacted before it is shown."""

    @contextmanager
    def shown(plan: Plan) -> Iterator[Watcher]:
        with show(plan) as watch:

            def watch_redacted(event: Event) -> None:
                watch(redact_event(event, redactor))

            yield watch_redacted

    return shown


def removed_from(store: Store) -> tuple[Removed, ...]:
    """What was taken out before it was written to *store*; () for one that takes nothing out."""
    return store.removed if isinstance(store, RedactingStore) else ()


def _words_of_sender(project: Project) -> set[str]:
    """Names that the sender gave, and therefore knows."""
    return {
        project.name,
        *(environment.name for environment in project.environments),
        *(image.name for image in project.images),
        *(service.name for service in project.services),
        *(one.name for service in project.services for one in service.companions),
    }


def _words_of(file: Path) -> Iterator[str]:
    try:
        with file.open("rb") as opened:
            text = decode(opened.read(WORDS_CAP_BYTES + 1))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    if len(text) > WORDS_CAP_BYTES:
        raise UsageError(f"{file}: more than {WORDS_CAP_BYTES} bytes are no list of words")
    yield from filter(None, (line.strip() for line in text.splitlines()))
