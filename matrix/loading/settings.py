"""``matrix.toml``: where everything of a project is, and what the gate asks."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from matrix.loading.fields import Entry, File, Folder, Line, written
from matrix.loading.policy import PolicyEntry
from matrix.loading.source import Raw


def _only_a_table(value: Raw) -> Raw:
    """The name of a file says nothing about the table."""
    return {} if isinstance(value, str) else value


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
    policy: Annotated[
        PolicyEntry, BeforeValidator(_only_a_table, json_schema_input_type=PolicyEntry | str)
    ] = written({}, "What the gate asks of the grid: a table, or the path of policy.toml.")
