"""A value with every text in it neutralised, however deep.

The store does this on the way in. Doing it again on the way out changes nothing then, and no
renderer can forget it for a value that never went through the store. A large report holds a
million texts, most of them many times: what needs no change is not made anew.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from operator import attrgetter, is_
from typing import Any, TypeVar, cast

from matrix.core import text

T = TypeVar("T")
# Any: each takes values of its own kind.
_Way = Callable[[Any], object]

#: What was found out by ``_way`` about a kind; None for one that holds no text.
_WAYS: dict[type, _Way | None] = {}


def harmless(value: T) -> T:
    """*value* of the same shape with ``text.neutralise`` applied to its strings.

    Goes through dataclasses, tuples and mappings; bytes stay, whoever shows them decodes and
    neutralises them (``shown_bytes``).
    """
    return cast(T, _harmless(value))


def shown_bytes(data: bytes, *, limit: int = text.LIMIT) -> str:
    """Output of a command as text that can be shown."""
    return text.neutralise(text.decode(data), limit=limit)


def _harmless(value: object) -> object:
    kind = type(value)
    way = _WAYS[kind] if kind in _WAYS else _learn(kind)
    return value if way is None else way(value)


def _learn(kind: type) -> _Way | None:
    way = _WAYS[kind] = _way(kind)
    return way


def _way(kind: type) -> _Way | None:
    """How values of *kind* are made harmless."""
    if issubclass(kind, str):
        return _text
    if issubclass(kind, tuple):
        return _tuple
    if issubclass(kind, Mapping):
        return _mapping
    return _dataclass(kind) if is_dataclass(kind) else None


def _text(value: str) -> str:
    made = text.neutralise(value)
    return value if made == value else made


def _tuple(value: tuple[object, ...]) -> tuple[object, ...]:
    made = tuple(map(_harmless, value))
    return value if all(map(is_, value, made)) else made


def _mapping(value: Mapping[object, object]) -> Mapping[object, object]:
    return {_harmless(key): _harmless(item) for key, item in value.items()}


def _dataclass(kind: type) -> _Way:
    """One that makes a new value only where a field has changed.

    Most values hold short texts with nothing in them: those are looked at all at once.
    """
    every = tuple(field.name for field in fields(kind))
    texts = tuple(field.name for field in fields(kind) if field.type in {str, "str"})
    read_texts = _reader(texts)
    rest = tuple(name for name in every if name not in texts)
    read_rest = _reader(rest)
    limit = text.LIMIT

    # Any: replace() wants to know which dataclass.
    def way(value: Any) -> object:  # noqa: ANN401
        changes = _changes(zip(rest, read_rest(value), strict=True))
        together = "".join(read_texts(value))
        if len(together) > limit or not together.isprintable():
            changes |= _changes(zip(texts, read_texts(value), strict=True))
        return replace(value, **changes) if changes else value

    return way


def _changes(found: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Of *found*, what is not harmless, by its name, made so."""
    changes = {}
    for name, value in found:
        kind = type(value)
        way = _WAYS[kind] if kind in _WAYS else _learn(kind)
        if way is None:
            continue
        made = way(value)
        if made is not value:
            changes[name] = made
    return changes


def _reader(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    """One that reads all fields of *names* at once."""
    if len(names) > 1:
        return attrgetter(*names)
    # For a single name attrgetter gives no tuple.
    return lambda value: tuple(getattr(value, name) for name in names)
