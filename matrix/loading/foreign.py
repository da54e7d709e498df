"""YAML or JSON that somebody else wrote, as tables, lists and texts. All of it is hostile.

Numbers, dates and truth values stay the text they were written as: YAML reads the version 1.10 as
the number 1.1, and the reader of a file knows better than the parser what a value is.
"""

import json
from collections.abc import Callable
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from matrix.core.errors import UsageError
from matrix.core.text import one_line
from matrix.loading.source import SourceError, read_text, shown_path

#: What a value can be here.
Plain = str | list["Plain"] | dict[str, "Plain"]

MOST_ALIASES = 100
#: Values in all, each counted as often as aliases repeat it.
MOST_VALUES = 20_000
DEEPEST = 30


def read_foreign(path: Path) -> Plain:
    """The content of *path*, of at most 1 MiB; UsageError for what cannot or should not be read."""
    try:
        text = read_text(path)
    except SourceError as error:
        raise UsageError(f"{shown_path(path)}: {error}") from error
    if "{{" in text:
        raise UsageError(
            f"{shown_path(path)}: has templates in it: fill them in first, as with `goss render`"
        )
    parse: Callable[[str], object] = _json if path.suffix == ".json" else _yaml
    try:
        return _Budget().plain(parse(text), depth=0)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{shown_path(path)}: {one_line(str(error), 200)}") from error


def _json(text: str) -> object:
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _yaml(text: str) -> object:
    aliases = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        aliases += isinstance(event, yaml.AliasEvent)
        if aliases > MOST_ALIASES:
            message = f"more than {MOST_ALIASES} aliases"
            raise ValueError(message)
    # BaseLoader makes texts, lists and dicts, and nothing else.
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506


class _Budget:
    """Copies a document while it stays within the limits: an alias is copied where it is used."""

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def plain(self, value: object, *, depth: int) -> Plain:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            message = f"more than {MOST_VALUES} values, or nested more than {DEEPEST} deep"
            raise ValueError(message)
        if isinstance(value, dict):
            return {str(key): self.plain(one, depth=depth + 1) for key, one in value.items()}
        if isinstance(value, list):
            return [self.plain(one, depth=depth + 1) for one in value]
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else str(value)
