"""A value with every text in it neutralised, however deep.

The store does this on the way in. Doing it again on the way out changes nothing then, and no
renderer can forget it for a value that never went through the store.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar, cast

from matrix.core import text

T = TypeVar("T")


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
    if isinstance(value, str):
        return text.neutralise(value)
    if isinstance(value, tuple):
        return tuple(map(_harmless, value))
    if isinstance(value, Mapping):
        return {_harmless(key): _harmless(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{item.name: _harmless(getattr(value, item.name)) for item in fields(value)}
        )
    return value
