"""What a server must have, as text, Markdown and JSON, for whoever runs the server."""

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from matrix.core.needs import Check, Level, Need
from matrix.core.text import clean

#: Columns of the text, and where what is said about a topic begins.
COLUMNS, INDENT = 100, 18
HEADINGS = {
    Level.MUST: "It must have",
    Level.SHOULD: "It should have; without it some probes are left out, and that is said",
    Level.NOTHING: "Not asked for",
}
KINDS = {
    "requirement": "declared requirement, compared with what the machine says of itself",
    "probe": "probe, run while the service runs",
    "runner": "done by the runner itself, always",
}


def render_needs(form: str, needs: Sequence[Need], *, services: Sequence[str]) -> str:
    """The document in one of FORMS, ending in a newline; *services* are those it is about."""
    return clean(FORMS[form](needs, services))


def needs_data(needs: Sequence[Need], services: Sequence[str]) -> dict[str, object]:
    """The document as JSON has it."""
    return {
        "services": list(services),
        "needs": [
            {
                "topic": need.topic,
                "level": need.level.value,
                "asks": need.asks,
                "why": need.why,
                "services": list(need.services),
                "checked_by": [
                    {"kind": one.kind, "id": one.id, "says": one.says} for one in need.checked_by
                ],
            }
            for need in needs
        ],
    }


def _json(needs: Sequence[Need], services: Sequence[str]) -> str:
    return json.dumps(needs_data(needs, services), indent=1, ensure_ascii=False) + "\n"


def _text(needs: Sequence[Need], services: Sequence[str]) -> str:
    numbers = _numbers(needs)
    lines = [f"What a server needs for: {', '.join(services)}"]
    for level, mine in _levels(needs):
        lines += ["", f"{HEADINGS[level]}:"]
        for need in mine:
            marks = " ".join(f"[{numbers[one]}]" for one in need.checked_by)
            lines += [
                "",
                *_folded(f"{need.topic:<{INDENT - 2}}", f"{_sentence(need.asks)} {marks}"),
            ]
            lines += _folded("", f"Why: {need.why}.")
    lines += ["", "Checked by:", ""]
    for one, number in numbers.items():
        label = f"[{number}]"
        lines += _folded(f"{label:<6}", f"{one.kind} {one.id}: {one.says}", indent=8)
    return "\n".join(lines) + "\n"


def _markdown(needs: Sequence[Need], services: Sequence[str]) -> str:
    numbers = _numbers(needs)
    lines = [f"# What a server needs for {', '.join(services)}"]
    for level, mine in _levels(needs):
        lines += ["", f"## {HEADINGS[level]}", "", "| what | it needs | why | checked by |"]
        lines.append("|---|---|---|---|")
        for need in mine:
            marks = " ".join(f"[{numbers[one]}](#check-{numbers[one]})" for one in need.checked_by)
            cells = (need.topic, _sentence(need.asks), f"{need.why}.")
            lines.append(f"| {' | '.join(map(_cell, cells))} | {marks} |")
    lines += ["", "## What checks it", "", "| | check | what it does |", "|---|---|---|"]
    for one, number in numbers.items():
        lines.append(
            f'| <a id="check-{number}"></a>{number} | {one.kind} `{_cell(one.id)}` '
            f"| {_cell(one.says)} |"
        )
    lines += ["", *(f"- **{kind}**: {words}" for kind, words in KINDS.items())]
    return "\n".join(lines) + "\n"


#: Name of a form → what writes it.
FORMS: Mapping[str, Callable[[Sequence[Need], Sequence[str]], str]] = {
    "text": _text,
    "markdown": _markdown,
    "json": _json,
}


def _levels(needs: Iterable[Need]) -> Iterator[tuple[Level, Sequence[Need]]]:
    known = list(needs)
    for level in Level:
        mine = [need for need in known if need.level is level]
        if mine:
            yield level, mine


def _numbers(needs: Iterable[Need]) -> Mapping[Check, int]:
    """Each check once, numbered as they are first named."""
    ordered = [need for _, mine in _levels(needs) for need in mine]
    every = dict.fromkeys(one for need in ordered for one in need.checked_by)
    return {one: number for number, one in enumerate(every, start=1)}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _folded(label: str, text: str, *, indent: int = INDENT) -> list[str]:
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=f"  {label}".ljust(indent),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )


def _cell(text: str) -> str:
    """Text inside a cell of a Markdown table."""
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(escaped.split())
