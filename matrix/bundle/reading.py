"""Everything that is in a result, as lines for people: what is not here is not in the file.

Nothing is believed and nothing is left out: every field of the envelope, of the statement in it
and of the report in that is shown, whatever it is called and however often. What is packed is
shown unpacked. Control characters become visible.
"""

import json
from collections.abc import Iterator

from matrix.bundle import dsse
from matrix.bundle.json_caps import refuse_swarms
from matrix.bundle.result import ENVELOPE_CAPS, read_statement, unpack_report
from matrix.core.errors import Refused
from matrix.core.text import neutralise, size_text

STEP = "  "
#: The longest that one character becomes when it is made visible: ``\\U000e0001``.
WIDEST_CHARACTER = 10


class Members(tuple[tuple[str, object], ...]):
    """A JSON object with every member it was written with: two may have the same name."""


def lines_of_result(data: bytes) -> Iterator[str]:
    """The lines, without ends; raises Refused for what is no result."""
    refuse_swarms(data, ENVELOPE_CAPS, what="the file")
    payload = dsse.read(data).payload
    evidence = read_statement(payload).predicate.evidence
    report = unpack_report(evidence)
    yield (
        f"The file has {len(data)} bytes ({size_text(len(data))}): an envelope around a statement "
        f"of {len(payload)} bytes, and packed into that a report of {len(report)} bytes."
    )
    for title, part in (("envelope", data), ("statement", payload), ("report", report)):
        yield ""
        yield f"THE {title.upper()}, {len(part)} bytes, every field of it"
        yield from _lines(_parsed(part), STEP, packed=evidence.content, part=title)


def _parsed(data: bytes) -> object:
    try:
        found: object = json.loads(data, object_pairs_hook=Members)
    except (ValueError, RecursionError) as error:
        raise Refused("this is no result: not JSON") from error
    return found


def _lines(value: object, indent: str, *, packed: str, part: str) -> Iterator[str]:
    """The lines of one value, each after *indent*."""
    if isinstance(value, Members):
        for name, member in value:
            yield from _member(neutralise(name), member, indent, packed=packed, part=part)
    elif isinstance(value, list):
        for number, member in enumerate(value, 1):
            yield from _member(f"({number})", member, indent, packed=packed, part=part)
    else:
        yield f"{indent}{_spelt(value)}"


def _member(name: str, value: object, indent: str, *, packed: str, part: str) -> Iterator[str]:
    if isinstance(value, Members | list) and value:
        yield f"{indent}{name}:"
        yield from _lines(value, f"{indent}{STEP}", packed=packed, part=part)
    elif part == "envelope" and name == "payload":
        yield f"{indent}{name}: the statement that follows, in base64"
    elif part == "statement" and value == packed:
        yield f"{indent}{name}: the report that follows, compressed, in base64"
    elif isinstance(value, str) and "\n" in value:
        yield f"{indent}{name}:"
        yield from (f"{indent}{STEP}| {line}" for line in _visible(value).split("\n"))
    else:
        yield f"{indent}{name}: {_spelt(value)}"


def _spelt(value: object) -> str:
    if isinstance(value, str):
        return _visible(value) or '""'
    if isinstance(value, Members):
        return "{}"
    return json.dumps(value)


def _visible(text: str) -> str:
    return neutralise(text, limit=WIDEST_CHARACTER * len(text) + 1)
