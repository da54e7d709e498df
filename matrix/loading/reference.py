"""The reference of our files, written from their schemas: ``python -m matrix.loading.reference``.

It prints docs/reference/configuration.md; a test holds the two together.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from matrix.loading.formats import FORMATS
from matrix.loading.schema import FILES, schema
from matrix.loading.shape import Node, resolved, words

HEAD = """# Configuration

Made by `python -m matrix.loading.reference` from what the loader checks; `matrix config schema`
prints the same as JSON Schema, for editors.

All files are TOML. A key that is not listed here is a fault, and so is a value of another type.
All faults of all files are reported at once, with file, line, key, what was found and what is
allowed, and nothing is run. Paths start at the folder of the file they stand in; `~` is your home.
A file has at most 1 MiB.
"""

TITLES = {
    "project": (
        "`matrix.toml`",
        "Says where everything is. A command looks for it in its folder and those above.",
    ),
    "policy": (
        "`policy.toml`",
        "What the gate asks. Its keys may also stand in `[policy]` of `matrix.toml`, each in one of"
        ' the two. It is read when it lies beside `matrix.toml`, or where `policy = "FILE"` there'
        " says; `matrix waive` writes it.",
    ),
    "catalogue": (
        "The catalogue",
        "Names base images, images and services: the rows of the grid. `NAME` is yours to choose.",
    ),
    "inventory": (
        "Inventories",
        "Name environments and their hosts: the columns of the grid. "
        "`inventories/example.toml` shows one of each.",
    ),
    "expected": (
        "Expectations",
        "`matrix run --expected FILE` compares the grid with what this file says of each cell.",
    ),
    "sabotage": (
        "`sabotage.toml`",
        "In a folder of probes: what `matrix probe vitality` puts wrong, and for which probes.",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table of a file."""

    #: As its header is written, "" for the top of the file.
    header: str
    about: str
    #: Key, what is allowed, default, meaning.
    rows: tuple[tuple[str, str, str, str], ...]


def reference() -> str:
    """The whole page, as Markdown."""
    return "\n".join([HEAD, *(part for which in FILES for part in _file(which)), *_formats()])


def tables(which: str) -> Iterator[Table]:
    """Every table of one kind of file, from the top down."""
    whole = schema(which)
    yield from _tables(whole, resolved(whole, whole), header="", seen=())


def _file(which: str) -> Iterator[str]:
    title, about = TITLES[which]
    yield f"## {title}\n\n{about}\n"
    for table in tables(which):
        if table.header:
            yield f"### `{table.header}`\n\n{table.about}\n"
        if table.rows:
            yield "| key | allowed | default | meaning |\n|---|---|---|---|"
            yield from (f"| {' | '.join(map(_cell, row))} |" for row in table.rows)
            yield ""


def _tables(whole: Node, node: Node, *, header: str, seen: tuple[str, ...]) -> Iterator[Table]:
    inside = list(_children(whole, node, header, seen))
    names = {key for key, _ in inside}
    rows = tuple(
        _row(whole, key, part, required=key in node.get("required", ()))
        for key, part in node.get("properties", {}).items()
        if header or key not in names
    )
    yield Table(header=header, about=str(node.get("description", "")), rows=rows)
    for _, children in inside:
        yield from children


def _children(
    whole: Node, node: Node, header: str, seen: tuple[str, ...]
) -> Iterator[tuple[str, Iterator[Table]]]:
    """The tables below *node*: those of one, of a list, and of names that the user chooses."""
    for key, part in node.get("properties", {}).items():
        full = f"{header.strip('[]')}.{key}".strip(".")
        for made, target in _table_in(whole, part, full):
            name = str(target.get("$ref", made))
            if name not in seen:
                child = resolved(whole, target)
                yield key, _tables(whole, child, header=made, seen=(*seen, name))


def _table_in(whole: Node, part: Node, full: str) -> Iterator[tuple[str, Node]]:
    """Header and content of the table under a key, if it is one with keys of its own."""
    for option in (part, *part.get("anyOf", ())):
        if "$ref" in option:
            yield f"[{full}]", option
        if "$ref" in option.get("items", {}):
            yield f"[[{full}]]", option["items"]
    for named in part.get("patternProperties", {}).values():
        found = list(_table_in(whole, named, f"{full}.{_placeholder(part)}"))
        yield from found[-1:]


def _placeholder(part: Node) -> str:
    kind = part.get("propertyNames", {}).get("format", "name")
    return {"fact": '"FACT"', "cell": '"SERVICE@ENVIRONMENT"'}.get(kind, "NAME")


def _row(whole: Node, key: str, part: Node, *, required: bool) -> tuple[str, str, str, str]:
    node = resolved(whole, part)
    default = "required" if required else _default(part)
    return f"`{key}`", _allowed(node), default, str(part.get("description", _about(node)))


def _allowed(node: Node) -> str:
    for named in node.get("patternProperties", {}).values():
        kind = node.get("propertyNames", {}).get("format", "name")
        return f"a table: {_named(kind)} to {words(named, spell=_named)}"
    return words(node, spell=_named)


def _named(kind: str) -> str:
    """A link to what the format allows, which is said once."""
    return f"[{kind}](#formats)"


def _about(node: Node) -> str:
    return str(node.get("description", ""))


def _default(part: Node) -> str:
    if "default" not in part:
        return "none"
    value = part["default"]
    return "empty" if value in ("", [], {}) else f"`{json.dumps(value)}`"


def _formats() -> Iterator[str]:
    yield "## Formats\n\n| format | what is allowed |\n|---|---|"
    yield from (f"| `{name}` | {_cell(row.words)} |" for name, row in FORMATS.items())
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
