"""What a service asks of an environment, against what was measured there. Pure.

| operator | holds when the fact was measured and …                                              |
|----------|--------------------------------------------------------------------------------------|
| ``==``   | is the same value of the same type                                                   |
| ``>=``   | is not less: numbers as numbers, texts as dotted versions ("20.10.24" is over "20.9") |
| ``<=``   | is not more, compared the same way                                                   |
| ``in``   | is, written as text, one of those listed                                             |

A fact that was not measured meets nothing: silence is not support.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeGuard

from matrix.core.errors import ProbeCodeError
from matrix.core.model import Requirement
from matrix.core.result import Fact, Facts, Json, PlannedProbe

Asked = str | int | float | bool | tuple[str, ...]
COMPARISONS = (">=", "<=", "==")
VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,7})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmet:
    """One requirement that does not hold."""

    fact: str
    #: What was asked, e.g. ">= 1.40".
    asked: str
    #: What was measured, "unknown" when it was not.
    found: str


def unmet(requirements: Iterable[Requirement], facts: Facts) -> tuple[Unmet, ...]:
    """The requirements that *facts* do not meet, in the order they were asked."""
    return tuple(
        Unmet(
            fact=requirement.fact,
            asked=_asked(requirement),
            found=spelled(facts.get(requirement.fact)),
        )
        for requirement in requirements
        if not holds(requirement, facts)
    )


def sentence(one: Unmet) -> str:
    """One unmet requirement for people: ``engine.api: asked >= 1.45, found 1.41``."""
    return f"{one.fact}: asked {one.asked}, found {one.found}"


def needs_of_probe(probe: PlannedProbe) -> tuple[Requirement, ...]:
    """What the probe's ``requires`` markers ask, one requirement for each fact and operator.

    | the marker's value       | asks for                                            |
    |--------------------------|-----------------------------------------------------|
    | a text ``">=1.40"``      | ``>=`` (also ``<=``, ``==``); a number if it is one |
    | a list                   | ``in``                                              |
    | a table ``{">=": 2}``    | each of its operators                               |
    | anything else            | ``==``                                              |
    """
    return tuple(need for fact, asked in probe.requires.items() for need in _needs(fact, asked))


def holds(requirement: Requirement, facts: Facts) -> bool:
    """Whether the fact was measured and is as asked."""
    found = facts.get(requirement.fact)
    if found is None:
        return False
    return OPERATORS[requirement.operator](found, requirement.asked)


def spelled(fact: Fact | tuple[str, ...]) -> str:
    """A fact as it is written in messages: ``unknown``, ``yes``, ``no``, or the value."""
    if fact is None:
        return "unknown"
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, tuple):
        return ", ".join(fact)
    return str(fact)


def version(text: str) -> tuple[int, ...] | None:
    """The dotted number *text* begins with, without zeros at its end; None for none.

    What follows it (``-rc1``, ``+dfsg1``) is not compared: distributions write it as they like.
    """
    found = VERSION.match(text)
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _needs(fact: str, asked: Json) -> Iterator[Requirement]:
    if isinstance(asked, dict):
        for operator, value in asked.items():
            yield _need(fact, operator, value)
    elif isinstance(asked, list):
        yield _need(fact, "in", asked)
    elif isinstance(asked, str) and asked[:2] in COMPARISONS:
        yield _need(fact, asked[:2], _number_or_text(asked[2:].strip()))
    else:
        yield _need(fact, "==", asked)


def _need(fact: str, operator: str, asked: Json) -> Requirement:
    if operator not in OPERATORS or isinstance(asked, dict) or asked is None:
        message = f"requires({fact}): {asked!r} with {operator!r} is not something to ask"
        raise ProbeCodeError(message)
    if isinstance(asked, list):
        return Requirement(fact=fact, operator=operator, asked=tuple(str(one) for one in asked))
    return Requirement(fact=fact, operator=operator, asked=asked)


def _number_or_text(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


def _asked(requirement: Requirement) -> str:
    if requirement.operator == "in":
        return f"one of {spelled(requirement.asked)}"
    return f"{requirement.operator} {spelled(requirement.asked)}"


def _same(found: Fact, asked: Asked) -> bool:
    return isinstance(found, bool) == isinstance(asked, bool) and found == asked


def _at_least(found: Fact, asked: Asked) -> bool:
    pair = _comparable(found, asked)
    return pair is not None and pair[0] >= pair[1]


def _at_most(found: Fact, asked: Asked) -> bool:
    pair = _comparable(found, asked)
    return pair is not None and pair[0] <= pair[1]


def _listed(found: Fact, asked: Asked) -> bool:
    return isinstance(asked, tuple) and spelled(found) in asked


def _comparable(found: Fact, asked: Asked) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Both as tuples of numbers; None where they cannot be compared.

    A whole number goes with a version ("26.1" is over 20), one with a fraction does not: 1.40 as a
    number is 1.4, as a version it is not, and mixing them must not decide anything.
    """
    if _is_number(found) and _is_number(asked):
        return (found,), (asked,)
    left, right = _as_version(found), _as_version(asked)
    return None if left is None or right is None else (left, right)


def _is_number(value: Fact | Asked) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_version(value: Fact | Asked) -> tuple[int, ...] | None:
    if isinstance(value, str):
        return version(value)
    return version(str(value)) if type(value) is int else None


OPERATORS = {"==": _same, ">=": _at_least, "<=": _at_most, "in": _listed}
