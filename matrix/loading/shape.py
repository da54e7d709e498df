"""Reading a JSON Schema: the part that a key belongs to, and what it allows in words."""

from collections.abc import Callable, Mapping
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
        inside = (_under(one, part) for one in _alternatives(schema, node))
        node = resolved(schema, next((found for found in inside if found), {}))
    return node


def keys_at(schema: Node, location: Location) -> tuple[str, ...]:
    """The keys that a table at *location* may have."""
    parts = _alternatives(schema, node_at(schema, location))
    return tuple(key for part in parts for key in part.get("properties", {}))


def _alternatives(schema: Node, node: Node) -> list[Node]:
    return [resolved(schema, part) for part in node["anyOf"]] if "anyOf" in node else [node]


def _under(node: Node, part: str | int) -> Node:
    """What *node* says about a key or position: by its name, or about all that it may hold."""
    if isinstance(part, int):
        return node.get("items") or {}
    named = node.get("properties", {})
    if part in named:
        return named[part]  # type: ignore[no-any-return]
    patterns = tuple(node.get("patternProperties", {}).values())
    return patterns[0] if patterns else node.get("additionalProperties") or {}


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


def in_words(name: str) -> str:
    """What the format *name* allows."""
    return FORMATS[name].words if name in FORMATS else name


def words(node: Node, *, spell: Callable[[str], str] = in_words) -> str:
    """What *node* allows, for people: ``a whole number from 1 to 65535``; formats by *spell*."""
    if "enum" in node:
        return f"one of {', '.join(map(str, node['enum']))}"
    if "format" in node:
        return spell(node["format"])
    kind = "object" if "$ref" in node else node.get("type", "")
    if kind in ("integer", "number"):
        return PLAIN[kind] + _bounds(node)
    if kind == "array" and "items" in node:
        least = f" of at least {node['minItems']}" if node.get("minItems") else ""
        return f"a list{least}, each {words(node['items'], spell=spell)}"
    if isinstance(kind, list):
        return " or ".join(PLAIN[one] for one in kind)
    return PLAIN.get(kind, "a value")


def _bounds(node: Node) -> str:
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return f" of at least {least}" if least is not None else ""
