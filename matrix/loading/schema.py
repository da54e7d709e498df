"""JSON Schema of our files, for editors and for the reference."""

from typing import Any

from matrix.core.errors import UsageError
from matrix.core.selection import known
from matrix.loading.catalogue import CatalogueFile
from matrix.loading.expected import ExpectedFile
from matrix.loading.fields import Entry
from matrix.loading.inventory import InventoryFile
from matrix.loading.policy import PolicyFile
from matrix.loading.saboteurs import SabotageFile
from matrix.loading.settings import ProjectFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: Name of a kind of file → what reads it.
FILES: dict[str, type[Entry]] = {
    "project": ProjectFile,
    "policy": PolicyFile,
    "catalogue": CatalogueFile,
    "inventory": InventoryFile,
    "expected": ExpectedFile,
    "sabotage": SabotageFile,
}


# Any: a JSON Schema is whatever JSON may be.
def schema(which: str) -> dict[str, Any]:
    """JSON Schema 2020-12 of the files called *which*; UsageError, naming them, for any other."""
    if which not in FILES:
        raise UsageError(f'no file of ours is called "{which}"{known(which, tuple(FILES))}')
    found = _without_null(FILES[which].model_json_schema())
    return {"$schema": DIALECT, **found}


def _without_null(node: Any) -> Any:  # noqa: ANN401 - any part of a JSON Schema
    """*node* without the null that TOML cannot write and the titles that say nothing."""
    if isinstance(node, list):
        return [_without_null(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {
        key: _without_null(value)
        for key, value in node.items()
        if not (key == "default" and value is None)
        and not (key == "title" and isinstance(value, str))
    }
    if "patternProperties" in plain:
        plain["additionalProperties"] = False
    parts = [part for part in plain.get("anyOf", []) if part != {"type": "null"}]
    if len(parts) == 1:
        del plain["anyOf"]
        return {**parts[0], **plain}
    return plain
