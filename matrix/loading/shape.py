"""Reading a JSON Schema: the part that a key belongs to, and what it allows in words."""

from collections.abc import Mapping
from typing import Any

from matrix.loading.formats import FORMATS
from matrix.loading.source import Location

#: A JSON Schema or a part of one.
Node = Mapping[str, Any]

PLAIN = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a table",
    "array": "a list",
}


def node_at(schema: Node, location: Location) -> Node:
    """The part of *schema* that the value at *location* must fit; {} where it says nothing."""
    node = resolved(schema, schema)
    for part in location:
        if isinstance(part, int):
            node = resolved(schema, node.get("items", {}))
        else:
            inside = node.get("properties", {})
            node = resolved(schema, inside.get(part, node.get("additionalProperties") or {}))
    return node


def resolved(schema: Node, node: Node) -> Node:
    """*node* with a reference followed, and without the null that TOML cannot write."""
    if "anyOf" in node:
        parts = [part for part in node["anyOf"] if part.get("type") != "null"]
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        if len(parts) == 1:
            return {**resolved(schema, parts[0]), **rest}
    if "$ref" in node:
        name = str(node["$ref"]).removeprefix("#/$defs/")
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return {**schema["$defs"][name], **rest}
    return node


def words(node: Node) -> str:
    """What *node* allows, for people: ``a whole number from 1 to 65535``."""
    if "enum" in node:
        return f"one of {', '.join(map(str, node['enum']))}"
    if "format" in node:
        return FORMATS[node["format"]].words if node["format"] in FORMATS else str(node["format"])
    kind = node.get("type", "")
    if kind in ("integer", "number"):
        return PLAIN[kind] + _bounds(node)
    if kind == "array" and "items" in node:
        least = f" of at least {node['minItems']}" if node.get("minItems") else ""
        return f"a list{least}, each {words(node['items'])}"
    return PLAIN.get(str(kind), "a value")


def _bounds(node: Node) -> str:
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return f" of at least {least}" if least is not None else ""
