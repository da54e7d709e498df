"""Faults of all files, gathered until everything was looked at, each in words one can act on."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from matrix.core.errors import ConfigError, ConfigFault
from matrix.core.selection import known
from matrix.loading.fields import Entry, quoted
from matrix.loading.formats import Surroundings
from matrix.loading.shape import Node, keys_at, node_at, words
from matrix.loading.source import Location, Raw, Source, SourceError, read_source, shown_path

Model = TypeVar("Model", bound=Entry)

#: What a value of the wrong type is called. Its content is not shown: it may be a secret.
TYPES: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (str, "text"),
    (int, "a whole number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "a table"),
)
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """What was found wrong so far."""

    found: list[ConfigFault] = field(default_factory=list)

    def add(self, source: Source, location: Location, *, found: str, allowed: str) -> None:
        """One more, at *location* in *source*."""
        location = source.as_written(location)
        fault = ConfigFault(
            file=shown_path(source.path),
            key=dotted(location),
            found=found,
            allowed=allowed,
            line=source.line_of(location),
        )
        if fault not in self.found:
            self.found.append(fault)

    def read(self, path: Path, *, within: Path | None) -> Source | None:
        """The file, or None after noting why it cannot be read."""
        try:
            return read_source(path, within=within)
        except SourceError as error:
            self.found.append(
                ConfigFault(
                    file=shown_path(path),
                    key="",
                    found=error.found,
                    allowed=error.allowed,
                    line=error.line,
                )
            )
            return None

    def check(self, source: Source, model: type[Model], surroundings: Surroundings) -> Model | None:
        """The file's content as *model*, or None after noting everything that is wrong with it."""
        try:
            return model.model_validate(source.data, context=surroundings)
        except ValidationError as error:
            schema = model.model_json_schema()
            for details in error.errors(include_url=False):
                location = _location(details)
                found, allowed = _said(details, location, schema)
                self.add(source, location, found=found, allowed=allowed)
            return None

    def stop_if_any(self) -> None:
        """Raises ConfigError with all of them, by file and line."""
        if self.found:
            files = list(dict.fromkeys(fault.file for fault in self.found))
            ordered = sorted(self.found, key=lambda fault: (files.index(fault.file), fault.line))
            raise ConfigError(tuple(ordered))


def dotted(location: Location) -> str:
    """``services.queue.companions[0]."odd key"``, harmless to show."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        key = part if BARE_KEY.fullmatch(part) else quoted(part)
        text += f".{key}" if text else key
    return text


def tables(data: Raw, *keys: str) -> Iterator[tuple[str, Mapping[str, Raw]]]:
    """Name and content of each table in the table under *keys*; nothing where there is none."""
    for key in keys:
        data = data.get(key, {}) if isinstance(data, Mapping) else {}
    if isinstance(data, Mapping):
        yield from ((name, table) for name, table in data.items() if isinstance(table, Mapping))


def listed_tables(data: Raw, key: str) -> Iterator[tuple[int, Mapping[str, Raw]]]:
    """Position and content of each table in the list under *key*."""
    values = data.get(key, []) if isinstance(data, Mapping) else []
    if isinstance(values, list):
        yield from ((at, table) for at, table in enumerate(values) if isinstance(table, Mapping))


def _location(details: ErrorDetails) -> Location:
    return tuple(part for part in details["loc"] if part != "[key]")


def _said(details: ErrorDetails, location: Location, schema: Node) -> tuple[str, str]:
    """What was found and what is allowed, for one of pydantic's errors."""
    kind, value = details["type"], details["input"]
    if kind == "misfit":
        return str(details["ctx"]["found"]), str(details["ctx"]["allowed"])
    if kind == "extra_forbidden":
        keys = keys_at(schema, location[:-1])
        key = str(location[-1])
        return f"unknown key {quoted(key)}", known(key, keys).strip(" ()")
    node = node_at(schema, location)
    if kind == "missing":
        return "nothing", f"required: {words(node)}"
    if kind.endswith("_type"):
        return _type_of(value), words(node)
    return _shown(value), words(node)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    return str(value) if isinstance(value, int | float) else f"an empty {_type_of(value)[2:]}"


def _type_of(value: object) -> str:
    return next((name for kind, name in TYPES if isinstance(value, kind)), "a date or time")
