"""``*.expected.toml``: what each cell is to come to, written before it is measured."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from matrix.core.expected import Expectation, Expected
from matrix.core.model import CellId
from matrix.core.verdict import SEVERITY, Verdict
from matrix.loading.facts import FactName, ShortQuestion, check_questions, requirements
from matrix.loading.faults import Faults
from matrix.loading.fields import Choice, Entry, Line, Text
from matrix.loading.formats import Surroundings
from matrix.loading.source import Raw


class ExpectationEntry(Entry):
    """One answer of a cell."""

    verdict: Annotated[Verdict, Choice(tuple(one.value for one in SEVERITY), Verdict)] = Field(
        description="Verdict it is to have."
    )
    reason: Line | None = Field(
        default=None, description='Short reason, "" for none; left out: any will do.'
    )
    because: Line = Field(description="Why that is the right answer.")
    when: dict[FactName, ShortQuestion] = Field(
        default={}, description="Facts under which it is: fact to value, list or operators."
    )
    probes: list[Line] = Field(
        default=[],
        description="Patterns of probe ids: exactly these do not pass; empty: any may.",
    )


def _as_list(value: Raw) -> Raw:
    return [value] if isinstance(value, dict) else value


Alternatives = Annotated[
    list[ExpectationEntry],
    Field(min_length=1),
    BeforeValidator(_as_list, json_schema_input_type=ExpectationEntry | list[ExpectationEntry]),
]


class ExpectedFile(Entry):
    """The whole file."""

    cells: dict[Annotated[str, Text("cell")], Alternatives] = Field(
        description="Cell id to what it is to come to; of several, the first whose facts hold."
    )


def load_expected(path: Path) -> Expected:
    """What *path* expects of each cell; raises ConfigError with every fault in it."""
    faults = Faults()
    source = faults.read(path, within=None)
    if source is not None:
        surroundings = Surroundings(folder=path.parent, names={})
        file = faults.check(source, ExpectedFile, surroundings)
        if file is not None:
            for cell, entries in file.cells.items():
                for at in range(len(entries)):
                    raw = _as_list(source.data["cells"][cell])[at].get("when")
                    check_questions(source, ("cells", cell, at, "when"), raw, faults)
            faults.stop_if_any()
            return {_cell(cell): tuple(map(_value, them)) for cell, them in file.cells.items()}
    faults.stop_if_any()
    message = "a file that cannot be read has faults"
    raise AssertionError(message)


def _cell(text: str) -> CellId:
    service, _, environment = text.partition("@")
    return CellId(service=service, environment=environment)


def _value(entry: ExpectationEntry) -> Expectation:
    return Expectation(
        verdict=entry.verdict,
        reason=entry.reason,
        because=entry.because,
        when=requirements(entry.when),
        probes=tuple(entry.probes),
    )
