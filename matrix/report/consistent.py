"""Does a report say the same everywhere in it? It may come from anybody.

| file      | what is held against what                                                            |
|-----------|--------------------------------------------------------------------------------------|
| JSON      | a verdict and its attempts, the counts and the cells, the cells and the grid         |
| page      | what a reader sees (gate, counters, tiles) and the data that its script shows        |
| statement | the result and its lists, the lists and the cells                                    |

That it is consistent proves nothing about who wrote it or whether it is true.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from matrix.core.errors import Refused, UsageError
from matrix.core.verdict import Verdict
from matrix.report.recorded import MOST_CELLS, grid_of_page
from matrix.report.replay import read_document, replay_of

_Door = Literal["OPEN", "CLOSED", "INCOMPLETE"]
_Text = Annotated[str, Field(max_length=4096)]
_Names = Annotated[tuple[_Text, ...], Field(max_length=MOST_CELLS)]
_Shape = TypeVar("_Shape", bound=BaseModel)

# Bounded repetition everywhere, so that a page made to be slow is not.
_SHOWN_DOOR = re.compile(r'<header class="bar" data-door="([A-Z]{1,20})">')
_COUNTER = re.compile(
    r'<li data-verdict="([A-Z]{1,20})" data-word=[^>]{1,200}>(?:<span[^>]{0,200}>){1,4}.</span>'
    r"<b>(\d{1,9})</b>"
)
_TILE = re.compile(r'<td data-verdict="([A-Z]{1,20})"')
_HASH = "&#39;(sha256-[A-Za-z0-9+/=]{1,90})&#39;"
_POLICY = re.compile(f"style-src {_HASH}; script-src {_HASH};")
_SCRIPT, _SCRIPT_END = "<script", "</script>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a consistent report says."""

    project: str
    run: str
    release: str
    door: str
    counts: Mapping[Verdict, int]
    #: When the oldest and the newest of its cells were measured; None where none was.
    measured: tuple[datetime, datetime] | None
    #: Fingerprint of the key it says it is signed with, "" for none.
    signed_by: str


class _Loose(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Cell(_Loose):
    service: _Text
    environment: _Text
    verdict: Verdict
    finished_at: AwareDatetime | None


class _Grid(_Loose):
    """What the page's script shows."""

    project: _Text
    run: _Text
    release: _Text
    door: _Door
    signed_by: _Text = ""
    cells: Annotated[tuple[_Cell, ...], Field(max_length=MOST_CELLS)]


class _Annotations(_Loose):
    project: _Text = ""
    run: _Text = ""
    release: _Text = ""
    gate: _Door | Literal[""] = ""
    started: AwareDatetime | None = None
    finished: AwareDatetime | None = None
    cells: dict[_Text, Verdict] = {}


class _Configuration(_Loose):
    name: _Text = ""
    annotations: _Annotations = _Annotations()


class _Predicate(_Loose):
    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: Annotated[tuple[_Configuration, ...], Field(max_length=100)] = ()
    passed: _Names = Field(default=(), alias="passedTests")
    warned: _Names = Field(default=(), alias="warnedTests")
    failed: _Names = Field(default=(), alias="failedTests")


class _Statement(_Loose):
    kind: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    predicate_type: Literal["https://in-toto.io/attestation/test-result/v0.1"] = Field(
        alias="predicateType"
    )
    predicate: _Predicate


def said_in_json(path: Path, text: str) -> Said:
    """What a JSON report says; raises Refused when it contradicts itself or is none."""
    try:
        document = read_document(path, text)
        replay_of(document, path)
    except UsageError as error:
        raise Refused(str(error).removeprefix(f"{path}: ")) from error
    cells = [(cell.service, cell.environment, cell.verdict) for cell in document.cells]
    _expect_counts("its counts", document.counts, [verdict for *_, verdict in cells])
    grid = {
        (row.name, column.name) for row in document.services for column in document.environments
    }
    if {(service, environment) for service, environment, _ in cells} != grid:
        raise Refused("its cells are not those of its services in its environments")
    if (document.gate.door == "OPEN") != (document.gate.exit_code == 0):
        raise Refused(f"its gate is {document.gate.door} and exits {document.gate.exit_code}")
    return Said(
        project=document.project,
        run=document.run,
        release=document.release,
        door=document.gate.door,
        counts=document.counts,
        measured=_span([cell.finished_at for cell in document.cells]),
        signed_by=document.signed_by,
    )


def said_on_page(path: Path, text: str) -> Said:
    """What a page says; raises Refused when what it shows is not what is in it, or it is none."""
    try:
        grid = _read(_Grid, grid_of_page(path, text))
    except UsageError as error:
        raise Refused("is neither a JSON report nor a page of ours") from error
    _expect_policy(text)
    shown = _without_scripts(text)
    doors, verdicts = set(_SHOWN_DOOR.findall(shown)), [cell.verdict for cell in grid.cells]
    if doors != {grid.door}:
        raise Refused(
            f"it shows the gate as {' and '.join(sorted(doors)) or 'nothing'}, "
            f"its data as {grid.door}"
        )
    counters = {name: int(count) for name, count in _COUNTER.findall(shown)}
    _expect_counts("its counters", {Verdict(name): n for name, n in counters.items()}, verdicts)
    if _TILE.findall(shown) != [verdict.value for verdict in verdicts]:
        raise Refused("the cells that it shows are not those of its data")
    return Said(
        project=grid.project,
        run=grid.run,
        release=grid.release,
        door=grid.door,
        counts=Counter(verdicts),
        measured=_span([cell.finished_at for cell in grid.cells]),
        signed_by=grid.signed_by,
    )


def said_in_statement(_: Path, text: str) -> Said:
    """What an in-toto statement says; raises Refused when it contradicts itself or is none."""
    predicate = _read(_Statement, text).predicate
    lists = (predicate.passed, predicate.warned, predicate.failed)
    if sum(map(len, lists)) != len({name for names in lists for name in names}):
        raise Refused("a cell is in it twice")
    if predicate.result == "PASSED" and (predicate.warned or predicate.failed):
        raise Refused("its result is PASSED and not all that it lists is")
    plan = next((one.annotations for one in predicate.configuration if one.annotations.cells), None)
    for verdict, names in ((Verdict.PASSED, predicate.passed), (Verdict.WARNED, predicate.warned)):
        if plan and set(names) != {name for name, found in plan.cells.items() if found is verdict}:
            raise Refused(f"what it lists as {verdict.value} is not what its cells say")
    plan = plan or _Annotations()
    spans = [plan.started, plan.finished]
    return Said(
        project=plan.project,
        run=plan.run,
        release=plan.release,
        door=plan.gate,
        counts=Counter(plan.cells.values()),
        measured=_span(spans),
        signed_by="",
    )


def _read(shape: type[_Shape], text: str) -> _Shape:
    try:
        return shape.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:200] or "the file"
        raise Refused(f"cannot be read: {where}: {first['msg']}") from error


def _expect_counts(what: str, said: Mapping[Verdict, int], verdicts: Sequence[Verdict]) -> None:
    if +Counter(said) != Counter(verdicts):
        raise Refused(f"{what} are not those of its cells")


def _expect_policy(text: str) -> None:
    """What a browser does before it runs anything: the script and the style are those allowed."""
    policy = _POLICY.search(text)
    style, script = _inside(text, "<style>", "</style>"), _inside(text, "<script>", _SCRIPT_END)
    if not (policy and style and script):
        raise Refused("is no page of ours: it has no policy, style or script")
    for one, allowed in ((style, policy[1]), (script, policy[2])):
        digest = hashlib.sha256(one.encode("utf-8", "surrogatepass")).digest()
        if allowed != f"sha256-{base64.b64encode(digest).decode()}":
            raise Refused("its style or script is not the one that its policy allows")


def _inside(text: str, opening: str, closing: str) -> str:
    """What stands between the first *opening* and what closes it; "" for nothing."""
    rest = text.partition(opening)[2]
    found, end, _ = rest.partition(closing)
    return found if end else ""


def _without_scripts(text: str) -> str:
    """What a reader sees, and what styles it."""
    pieces, at = [], 0
    while (start := text.find(_SCRIPT, at)) >= 0:
        pieces.append(text[at:start])
        end = text.find(_SCRIPT_END, start)
        if end < 0:
            break
        at = end + len(_SCRIPT_END)
    else:
        pieces.append(text[at:])
    return "".join(pieces)


def _span(moments: Sequence[datetime | None]) -> tuple[datetime, datetime] | None:
    found = [moment for moment in moments if moment is not None]
    return (min(found), max(found)) if found else None
