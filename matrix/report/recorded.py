"""A report file read back, as far as another grid is compared with it.

The file may come from anybody, so nothing in it is believed: its size is capped before it is read,
its shape is checked, and names have the length that ours may have.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from matrix.core.changes import Side
from matrix.core.errors import UsageError
from matrix.core.model import CellId
from matrix.core.verdict import Verdict

#: Twice what our own page may have at most.
MOST_BYTES = 128 * 1024 * 1024
MOST_CELLS = 200_000
_GRID = '<script type="application/json" id="grid-data">'
_END = "</script>"

_Name = Annotated[str, Field(min_length=1, max_length=255)]
_Hash = Annotated[str, Field(max_length=4096)]


class _Cell(BaseModel):
    """What is compared of one cell; the page and the JSON report name the probes differently."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: _Name
    environment: _Name
    verdict: Verdict
    reason: str = Field(max_length=1024 * 1024)
    run: str = Field(max_length=255)
    fingerprint: _Hash
    probes: _Hash = Field(validation_alias=AliasChoices("probes", "probes_digest"))


class _Recorded(BaseModel):
    """A report of either form."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = Field(validation_alias=AliasChoices("schema_version", "version"))
    cells: tuple[_Cell, ...] = Field(max_length=MOST_CELLS)


def read_sides(path: Path) -> Mapping[CellId, Side]:
    """The cells of a JSON report or of a page that anything was known about.

    Raises UsageError, saying what is wrong, for whatever is not a report of ours.
    """
    text = read_capped(path)
    data = text if text.lstrip()[:1] == "{" else grid_of_page(path, text)
    found: dict[CellId, Side] = {}
    for cell in _checked(path, data).cells:
        at = CellId(service=cell.service, environment=cell.environment)
        if at in found:
            raise UsageError(f"{path}: is not a report of ours: it has {str(at)[:200]} twice")
        if cell.verdict is not Verdict.MISSING or cell.run:
            found[at] = Side(
                verdict=cell.verdict, fingerprint=cell.fingerprint, probes_digest=cell.probes
            )
    return found


def read_capped(path: Path) -> str:
    """The text of *path*, read only as far as a report may be long; raises UsageError."""
    return decoded(path, read_bytes_capped(path))


def read_bytes_capped(path: Path) -> bytes:
    """What is in *path*, read only as far as a report may be long; raises UsageError."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path}: is larger than a report may be ({MOST_BYTES // 2**20} MiB)")
    return data


def decoded(path: Path, data: bytes) -> str:
    """The text in *data*, which came from *path*; raises UsageError."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not a report of ours: it is not UTF-8 text") from error


def grid_of_page(path: Path, text: str) -> str:
    """The grid in a page as JSON; raises UsageError for what is no page of ours."""
    start = text.find(_GRID)
    end = text.find(_END, start)
    if start < 0 or end < 0:
        raise UsageError(
            f"{path}: is neither a JSON report nor a page of ours (write one with: matrix report"
            " --format json --output report.json)"
        )
    return text[start + len(_GRID) : end]


def _checked(path: Path, data: str) -> _Recorded:
    try:
        # Its parser limits depth and takes no NaN; json.loads can be made to overflow the stack.
        return _Recorded.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path}: is not a report this program can read: {where or 'the file'}: {first['msg']}"
        ) from error
