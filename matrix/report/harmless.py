"""A value with every text in it neutralised, however deep.

The store does this on the way in. Doing it again on the way out changes nothing then, and no
renderer can forget it for a value that never went through the store. A large report holds a
million texts, most of them many times: what needs no change is not made anew.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from enum import Enum
from itertools import chain
from operator import attrgetter, is_
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args

from matrix.core import text

T = TypeVar("T")
# Any: each takes values of its own kind.
_Way = Callable[[Any], object]

# Any: each reads values of its own kind.
_Reader = Callable[[Any], tuple[str, ...]]

#: What was found out by ``_way`` about a kind; None for one that holds no text.
_WAYS: dict[type, _Way | None] = {}
#: Of a kind that holds texts and nothing that could hold more, what reads them.
_FLAT: dict[type, _Reader] = {str: lambda value: (value,)}
#: Kinds of fields that hold no text of others; bytes stay as they are.
_WITHOUT_TEXT = (int, float, bytes, date, Enum, NoneType)


def harmless(value: T) -> T:
    """*value* of the same shape with ``text.neutralise`` applied to its strings.

    Goes through dataclasses, tuples and mappings; bytes stay, whoever shows them decodes and
    neutralises them (``shown_bytes``).
    """
    return cast(T, _harmless(value))


def shown_bytes(data: bytes, *, limit: int = text.LIMIT) -> str:
    """Output of a command as text that can be shown."""
    return text.neutralise(text.decode(data), limit=limit) if data else ""


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
    if _all_at_once(value):
        return value
    made = tuple(map(_harmless, value))
    return value if all(map(is_, value, made)) else made


def _all_at_once(values: Collection[object]) -> bool:
    """Whether nothing in *values* needs a change, seen in one look at all their texts."""
    kinds = set(map(type, values))
    if len(kinds) != 1:
        return not kinds
    kind = kinds.pop()
    read_texts = _FLAT.get(kind)
    if read_texts is None:
        return _WAYS.get(kind, _text) is None
    return _is_plain(chain.from_iterable(map(read_texts, values)))


def _is_plain(texts: Iterable[str]) -> bool:
    """Whether all of them are short and have nothing in them."""
    together = "".join(texts)
    return len(together) <= text.LIMIT and together.isprintable()


def _mapping(value: Mapping[object, object]) -> Mapping[object, object]:
    if _all_at_once(value.keys()) and _all_at_once(value.values()):
        return value
    return {_harmless(key): _harmless(item) for key, item in value.items()}


def _dataclass(kind: type) -> _Way:
    """One that makes a new value only where a field has changed.

    Most values hold short texts with nothing in them: those are looked at all at once.
    """
    every = {field.name: field.type for field in fields(kind) if not _holds_no_text(field.type)}
    texts = tuple(name for name, declared in every.items() if declared in {str, "str"})
    rest = tuple(name for name in every if name not in texts)
    read_texts, read_rest = _reader(texts), _reader(rest)
    flat = _flat_texts(kind)
    if flat is not None:
        _FLAT[kind] = _reader(flat)

    # Any: replace() wants to know which dataclass.
    def way(value: Any) -> object:  # noqa: ANN401
        changes = _changes(zip(rest, read_rest(value), strict=True)) if rest else {}
        if not _is_plain(read_texts(value)):
            changes |= _changes(zip(texts, read_texts(value), strict=True))
        return replace(value, **changes) if changes else value

    return way


def _flat_texts(kind: type) -> tuple[str, ...] | None:
    """Where *kind* has its texts, as ``attrgetter`` takes it, when each has a fixed place."""
    found: list[str] = []
    for field in fields(kind):
        if field.type in {str, "str"}:
            found.append(field.name)
        elif is_dataclass(field.type) and isinstance(field.type, type):
            inner = _flat_texts(field.type)
            if inner is None:
                return None
            found.extend(f"{field.name}.{name}" for name in inner)
        elif not _holds_no_text(field.type):
            return None
    return tuple(found)


def _holds_no_text(declared: object) -> bool:
    """Whether no value of a field *declared* so can hold a text; not when it is not known."""
    if isinstance(declared, UnionType):
        return all(map(_holds_no_text, get_args(declared)))
    return isinstance(declared, type) and issubclass(declared, _WITHOUT_TEXT)


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
    if names:
        read = attrgetter(*names)
        return lambda value: (read(value),)
    return lambda _: ()
