"""``matrix.toml``: where everything of a project is, and what the gate asks."""

from pydantic import Field

from matrix.core.model import Policy
from matrix.loading.fields import CellPattern, Entry, File, Folder, Line, Span, written


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


class ProjectFile(Entry):
    """The whole file."""

    name: Line = Field(description="Name of the project, as reports show it.")
    catalogue: File = Field(description="The catalogue: images and services.")
    inventories: list[File] = Field(
        min_length=1, description="The inventories that are used when a command names none."
    )
    outside_probes: Folder | None = Field(
        default=None,
        description="Folder with the probes for every service; left out: those that come with us.",
    )
    reports: File = written("reports", "Folder where reports are written.")
    state: File = written(".matrix", "Folder for the store and everything not for reading.")
    policy: PolicyEntry = written({}, "What the gate asks of the grid.")


def policy(entry: PolicyEntry) -> Policy:
    """The policy as a value."""
    return Policy(
        required=tuple(entry.required),
        allow_unsupported=tuple(entry.allow_unsupported),
        fresh_seconds=entry.fresh,
        warned_closes=entry.warned_closes,
    )
