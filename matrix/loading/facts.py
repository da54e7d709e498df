"""What is asked of facts in our files: ``memory_bytes = { ">=" = "256MiB" }``."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from matrix.core.model import Requirement
from matrix.loading.faults import Faults
from matrix.loading.fields import Argument, Entry, Text, misfit, quoted
from matrix.loading.formats import FORMATS
from matrix.loading.measures import SIZE, size_bytes
from matrix.loading.source import Location, Raw, Source

#: A fact whose name ends so is a number of bytes; what is asked of it may be written as a size.
BYTES = "_bytes"
OPERATORS = ("==", ">=", "<=", "in")


@dataclass(frozen=True, slots=True)
class Value:
    """Marks a field as one plain value: text, a finite number, true or false."""

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": ["string", "number", "boolean"]}

    def _read(self, value: object) -> object:
        if isinstance(value, float) and not math.isfinite(value):
            raise misfit(str(value), "a finite number")
        if not isinstance(value, str | int | float):
            raise misfit(type(value).__name__, "text, a number, or true or false")
        return value


Plain = Annotated[str | int | float | bool, Value()]
FactName = Annotated[str, Text("fact")]


class Question(Entry):
    """What is asked of one fact; several operators must all hold."""

    equal: Plain | None = Field(default=None, alias="==", description="The same value.")
    least: Plain | None = Field(
        default=None, alias=">=", description="Not less; text is compared as a dotted version."
    )
    most: Plain | None = Field(
        default=None, alias="<=", description="Not more; text is compared as a dotted version."
    )
    listed: list[Argument] | None = Field(
        default=None, alias="in", min_length=1, description="One of these."
    )


Questions = dict[FactName, Question]


def _as_question(value: Raw) -> Raw:
    """A plain value asks for itself, a list for one of its members."""
    if isinstance(value, dict):
        return value
    return {"in" if isinstance(value, list) else "==": value}


#: Where a bare value may stand for ``{ "==" = value }``.
ShortQuestion = Annotated[
    Question,
    BeforeValidator(
        _as_question, json_schema_input_type=str | int | float | bool | list[str] | Question
    ),
]


def requirements(questions: Mapping[str, Question]) -> tuple[Requirement, ...]:
    """All that is asked, by fact and operator, sizes of ``…_bytes`` facts as numbers."""
    return tuple(
        Requirement(fact=fact, operator=operator, asked=_measured(fact, value))
        for fact, question in questions.items()
        for operator, value in _operations(question)
    )


def check_questions(source: Source, location: Location, raw: Raw, faults: Faults) -> None:
    """What a single value does not show: a size that is none, a fact that nothing is asked of."""
    for fact, question in raw.items() if isinstance(raw, Mapping) else ():
        if question == {}:
            allowed = f"one of {', '.join(OPERATORS)} with a value"
            faults.add(source, (*location, fact), found="an empty table", allowed=allowed)
        for operator, value in question.items() if isinstance(question, Mapping) else ():
            if fact.endswith(BYTES) and isinstance(value, str) and not SIZE.fullmatch(value):
                faults.add(
                    source,
                    (*location, fact, operator),
                    found=quoted(value),
                    allowed=FORMATS["size"].words,
                )


def _operations(
    question: Question,
) -> Iterator[tuple[str, str | int | float | bool | tuple[str, ...]]]:
    listed = None if question.listed is None else tuple(question.listed)
    values = (question.equal, question.least, question.most, listed)
    for operator, value in zip(OPERATORS, values, strict=True):
        if value is not None:
            yield operator, value


def _measured(
    fact: str, value: str | int | float | bool | tuple[str, ...]
) -> str | int | float | bool | tuple[str, ...]:
    return size_bytes(value) if fact.endswith(BYTES) and isinstance(value, str) else value
