"""What the gate asks: ``policy.toml``, and the table of the same name in ``matrix.toml``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from matrix.core.model import CellId, Policy, Quarantine, SelfReported, Waiver
from matrix.core.selection import known, matches_any
from matrix.loading.faults import Faults, listed_tables
from matrix.loading.fields import CellPattern, Entry, Line, Name, Span, Text, quoted
from matrix.loading.formats import Surroundings
from matrix.loading.source import Location, Raw, Source

#: Beside matrix.toml, read when there is one and matrix.toml names none.
FILE = "policy.toml"

#: Keys that are lists of patterns.
PATTERNS = ("required", "allow_unsupported", "allow_warned")


def _as_text(value: Raw) -> Raw:
    """A day as TOML has it, in the form in which it is written."""
    plain = isinstance(value, date) and not isinstance(value, datetime)
    return value.isoformat() if plain else value


Day = Annotated[date, Text("day"), BeforeValidator(_as_text)]
Said = Annotated[str, Text("words")]


class QuarantineEntry(Entry):
    """Cells that are measured and shown but not required for a while."""

    cells: CellPattern = Field(description="Which cells.")
    reason: Said = Field(description="Why.")
    owner: Said = Field(description="Who takes care of it.")
    until: Day = Field(description="Last day on which it holds, in UTC.")


class WaiverEntry(Entry):
    """One failure of one cell that does not close the gate for a while."""

    service: Name = Field(description="The cell's service.")
    environment: Name = Field(description="The cell's environment.")
    probe: Said = Field(description='Id of the probe; "cell" for a failure of the cell as a whole.')
    signature: Annotated[str, Text("signature")] = Field(
        description="Of the failure, as `matrix waive add` writes it; another one is not waived."
    )
    reason: Said = Field(description="Why it may be.")
    owner: Said = Field(description="Who takes care of it.")
    until: Day = Field(description="Last day on which it holds, in UTC.")


class PolicyEntry(Entry):
    """What the gate asks of the grid."""

    required: list[CellPattern] = Field(
        default=["*"], min_length=1, description="Cells that must be good for the gate to open."
    )
    allow_unsupported: list[CellPattern] = Field(
        default=[], description="Cells that may be UNSUPPORTED without keeping the gate shut."
    )
    fresh: Span | None = Field(
        default=None, description="Age after which a result is STALE; left out: never."
    )
    warned_closes: bool = Field(default=False, description="Whether WARNED counts as FAILED.")
    allow_warned: list[CellPattern] = Field(
        default=[], description="Cells that may be WARNED although `warned_closes`."
    )
    flaky_closes: bool = Field(
        default=False, description="Whether a required cell that is flaky counts as FAILED."
    )
    baseline: Line | None = Field(
        default=None,
        description="Release since which no cell, required or not, may have begun to fail.",
    )
    reuse: Span | None = Field(
        default=None,
        description="Age up to which `matrix run` takes over a result that nothing has changed for;"
        " left out: every run measures everything.",
    )
    audit: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="Share of such results that are measured all the same.",
    )
    self_reported: Literal["count", "ignore"] = Field(
        default="count",
        description="Whether cells count that rest on a customer's own word, as"
        " `matrix bundle import` takes it in; ignored, a required one is MISSING.",
    )
    quarantine: list[QuarantineEntry] = Field(
        default=[], description="Cells that are measured and shown but not required for a while."
    )
    waivers: list[WaiverEntry] = Field(
        default=[], description="Failures that do not close the gate for a while."
    )


class PolicyFile(PolicyEntry):
    """The whole file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicySources:
    """Where a policy is written: the table of matrix.toml and a file of its own, or one of them."""

    #: matrix.toml.
    main: Source
    #: None when there is none.
    file: Source | None
    #: Where the file is, or would be.
    path: Path


def read_policy(main: Source, faults: Faults) -> PolicySources:
    """The sources of the policy; a file that is named must be there, the usual one may be."""
    root, named = main.path.parent, main.data.get("policy")
    path = root / (named if isinstance(named, str) else FILE)
    there = isinstance(named, str) or path.is_file()
    return PolicySources(
        main=main, file=faults.read(path, within=root) if there else None, path=path
    )


def check_policy(
    sources: PolicySources, table: PolicyEntry | None, ids: Sequence[str], faults: Faults
) -> Policy | None:
    """The policy, or None after noting faults. *ids* are of all cells, () when not known.

    *table* is the checked one of matrix.toml, None when it has faults. A key may stand in one of
    the two places only; a pattern or waiver that stands for no cell is a slip of the pen.
    """
    entries = [table]
    raw = sources.main.data.get("policy")
    if isinstance(raw, Mapping):
        _check_cells(sources.main, ("policy",), raw, ids, faults)
    if sources.file is not None:
        surroundings = Surroundings(folder=sources.path.parent, names={})
        entries.append(faults.check(sources.file, PolicyFile, surroundings))
        _check_cells(sources.file, (), sources.file.data, ids, faults)
        _check_once(sources.file, raw if isinstance(raw, Mapping) else {}, faults)
    found = [entry for entry in entries if entry is not None]
    return policy(found) if len(found) == len(entries) else None


def policy(entries: Sequence[PolicyEntry]) -> Policy:
    """The policy as a value; each key from the entry that has it."""
    has = {key: entry for entry in entries for key in entry.model_fields_set}

    def of(key: str) -> Raw:
        return getattr(has.get(key, PolicyEntry()), key)

    return Policy(
        required=tuple(of("required")),
        allow_unsupported=tuple(of("allow_unsupported")),
        fresh_seconds=of("fresh"),
        warned_closes=of("warned_closes"),
        allow_warned=tuple(of("allow_warned")),
        flaky_closes=of("flaky_closes"),
        baseline=of("baseline") or "",
        reuse_seconds=of("reuse"),
        audit_share=of("audit"),
        self_reported=SelfReported(of("self_reported")),
        quarantine=tuple(map(_quarantine, of("quarantine"))),
        waivers=tuple(map(_waiver, of("waivers"))),
    )


def _quarantine(entry: QuarantineEntry) -> Quarantine:
    return Quarantine(cells=entry.cells, reason=entry.reason, owner=entry.owner, until=entry.until)


def _waiver(entry: WaiverEntry) -> Waiver:
    return Waiver(
        cell=CellId(service=entry.service, environment=entry.environment),
        probe=entry.probe,
        signature=entry.signature,
        reason=entry.reason,
        owner=entry.owner,
        until=entry.until,
    )


def _check_cells(
    source: Source,
    keys: Location,
    raw: Mapping[str, Raw],
    ids: Sequence[str],
    faults: Faults,
) -> None:
    for location, pattern in _named_cells(raw) if ids else ():
        if not any(matches_any(name, (pattern,)) for name in ids):
            faults.add(
                source,
                (*keys, *location),
                found=f"{quoted(pattern)}, which matches no cell",
                allowed=known(pattern, ids).strip(" ()"),
            )


def _named_cells(raw: Mapping[str, Raw]) -> Iterator[tuple[Location, str]]:
    """Every pattern or cell id of a policy with where it stands; what is no text is left out."""
    for key in PATTERNS:
        patterns = raw.get(key, [])
        for at, pattern in enumerate(patterns if isinstance(patterns, list) else []):
            if isinstance(pattern, str):
                yield (key, at), pattern
    for at, table in listed_tables(raw, "quarantine"):
        if isinstance(table.get("cells"), str):
            yield ("quarantine", at, "cells"), table["cells"]
    for at, table in listed_tables(raw, "waivers"):
        yield ("waivers", at), f"{table.get('service')}@{table.get('environment')}"


def _check_once(file: Source, table: Mapping[str, Raw], faults: Faults) -> None:
    for key in file.data:
        if key in table:
            faults.add(
                file,
                (key,),
                found="also in [policy] of matrix.toml",
                allowed="in one of the two",
            )
