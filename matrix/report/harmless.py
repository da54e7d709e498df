"""A value with every text in it neutralised, however deep.

The store does this on the way in. Doing it again on the way out changes nothing then, and no
renderer can forget it for a value that never went through the store. A large report holds a
million texts, most of them many times: what needs no change is not made anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from operator import is_
from typing import Any, TypeVar, cast

from matrix.core import text

T = TypeVar("T")

#: What was found out by ``_way``.
_WAYS: dict[type, Callable[[Any], object]] = {}
_NAMES: dict[type, tuple[str, ...]] = {}
#: Texts up to this length are remembered; longer ones are evidence and come once.
_SHORT = 200


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
    way = _WAYS.get(kind)
    if way is None:
        way = _WAYS[kind] = _way(kind)
    return way(value)


def _way(kind: type) -> Callable[[Any], object]:  # Any: each takes values of its own kind
    """How values of *kind* are made harmless."""
    if issubclass(kind, str):
        return _text
    if issubclass(kind, tuple):
        return _tuple
    if issubclass(kind, Mapping):
        return _mapping
    if not is_dataclass(kind):
        return _as_it_is
    _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _dataclass


def _text(value: str) -> str:
    made = _short(value) if len(value) <= _SHORT else text.neutralise(value)
    return value if made == value else made


@lru_cache(maxsize=1 << 16)
def _short(value: str) -> str:
    return text.neutralise(value)


def _tuple(value: tuple[object, ...]) -> tuple[object, ...]:
    made = tuple(map(_harmless, value))
    return value if all(map(is_, value, made)) else made


def _mapping(value: Mapping[object, object]) -> Mapping[object, object]:
    return {_harmless(key): _harmless(item) for key, item in value.items()}


def _dataclass(value: Any) -> object:  # noqa: ANN401 - replace() wants to know which dataclass
    changes = {}
    for name in _NAMES[type(value)]:
        found = getattr(value, name)
        made = _harmless(found)
        if made is not found:
            changes[name] = made
    return replace(value, **changes) if changes else value


def _as_it_is(value: object) -> object:
    return value
