"""The types of the fields in our files: text of a known format, or one of some words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from matrix.core.selection import known
from matrix.loading.formats import FORMATS, Misfit, Surroundings

#: Characters of a value that a fault shows.
SHOWN = 60


class Entry(BaseModel):
    """One table of a file: no key but the known ones, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, validate_default=True)


# Any: what the file would hold is converted to the field's type when it is read.
def written(default: str | Mapping[str, object], description: str) -> Any:  # noqa: ANN401
    """A field whose *default* is given as the file would have it."""
    return Field(default=default, description=description)


@dataclass(frozen=True, slots=True)
class Text:
    """Marks a field as text of one of FORMATS, converted to its value when it is read."""

    format: str

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(
            self._read, core_schema.str_schema(strict=True)
        )

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        pattern = FORMATS[self.format].pattern
        whole = {} if pattern is None else {"pattern": f"^(?:{pattern})$"}
        return {"type": "string", "format": self.format, **whole}

    def _read(self, text: str, info: ValidationInfo) -> object:
        row = FORMATS[self.format]
        if row.pattern is not None and not re.fullmatch(row.pattern, text, re.ASCII):
            raise misfit(text, row.words)
        try:
            return row.read(text, cast(Surroundings, info.context))
        except Misfit as error:
            raise misfit(text, str(error)) from error


@dataclass(frozen=True, slots=True)
class Choice:
    """Marks a field as one of some words, converted by *read*."""

    words: tuple[str, ...]
    read: Callable[[str], object]

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            self._read, core_schema.str_schema(strict=True)
        )

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"enum": list(self.words)}

    def _read(self, text: str) -> object:
        if text not in self.words:
            raise misfit(text, known(text, self.words).strip(" ()"))
        return self.read(text)


def misfit(found: str, allowed: str) -> PydanticCustomError:
    """The error that ``faults`` turns into one fault, in our own words."""
    return PydanticCustomError(
        "misfit", "{found}: {allowed}", {"found": quoted(found), "allowed": allowed}
    )


def quoted(text: str) -> str:
    """*text* in quotation marks on one short line, harmless to show and nothing in it hidden."""
    cut = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    shown = (one if one.isprintable() else repr(one)[1:-1] for one in cut)
    return f'"{"".join(shown)}"'


Name = Annotated[str, Text("name")]
Line = Annotated[str, Text("line")]
Argument = Annotated[str, Text("argument")]
Size = Annotated[int, Text("size")]
Span = Annotated[float, Text("span")]
File = Annotated[Path, Text("file")]
Folder = Annotated[Path, Text("folder")]
CellPattern = Annotated[str, Text("cells")]
