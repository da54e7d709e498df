"""Probes as source text that a person would have written, and that passes our style."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from matrix.core.result import Side
from matrix.core.text import one_line

WIDTH = 100
LONGEST_NAME = 60
LONGEST_TITLE = 80
LONGEST_REASON = 200
#: Letters of a text that is broken over several lines.
PIECE = 60
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}

#: Name of a function that probes may need → its source.
FUNCTIONS = {
    "is_listening": '''\
def is_listening(host, number):
    """Whether something in the container listens on a TCP port, by the kernel's own table"""
    lines = host.run("cat /proc/net/tcp /proc/net/tcp6").stdout.splitlines()
    columns = [line.split() for line in lines]
    ends = (one[1] for one in columns if len(one) > 3 and one[3] == "0A")
    return any(end.endswith(f":{number:04X}") for end in ends)
''',
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """One probe to be written."""

    #: In words; the name of the function is made from it.
    name: str
    #: One line for people.
    title: str
    side: Side
    #: Of the function, without indentation.
    lines: tuple[str, ...]
    #: Keys of FUNCTIONS that the lines call.
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Something of another tool's file that no probe was made from."""

    #: Keys that lead to it.
    where: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Translation:
    """What another tool's file came to."""

    drafts: list[Draft] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, where: str, why: str) -> None:
        """Say that something was not translated."""
        self.left_out.append(LeftOut(where=one_line(where, 80), why=why))


def probe_file(heading: str, drafts: Sequence[Draft], left_out: Sequence[LeftOut] = ()) -> str:
    """A file of probes; what was left out is said at its end, so that nobody takes it for done."""
    body = "\n".join(line for draft in drafts for line in draft.lines)
    parts = [f'"""{_docstring(heading)}"""\n']
    imports = [name for name in ("re", "pytest") if re.search(rf"\b{name}\.", body)]
    if imports:
        parts.append("\n" + "\n\n".join(f"import {name}" for name in imports) + "\n")
    used = dict.fromkeys(name for draft in drafts for name in draft.functions)
    parts.extend(f"\n\n{FUNCTIONS[name]}" for name in used)
    taken: set[str] = set()
    parts.extend(f"\n\n{_function(draft, taken)}" for draft in drafts)
    if left_out:
        parts.append("\n\n" + "\n".join(_comments(left_out)) + "\n")
    return "".join(parts)


def literal(text: str) -> str:
    """*text* as Python writes it, nothing in it hidden, with the quotes that need no escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    if "\\" in text and text.isprintable() and quote not in text and not text.endswith("\\"):
        return f"r{quote}{text}{quote}"
    letters = (
        ESCAPES.get(one)
        or (f"\\{one}" if one == quote else one if one.isprintable() else _code(one))
        for one in text
    )
    return f"{quote}{''.join(letters)}{quote}"


def assigned(name: str, text: str, *, before: str = "", after: str = "") -> list[str]:
    """``name = before"text"after``, over several lines where one would be too long."""
    line = f"{name} = {before}{literal(text)}{after}"
    if len(line) + 4 <= WIDTH:
        return [line]
    if not before:
        return [f"{name} = (", *_pieces(text), ")"]
    return [f"{name} = {before}", *_pieces(text), after]


def called(name: str, call: str, text: str) -> list[str]:
    """``name = call("text")`` over as many lines as it takes."""
    return assigned(name, text, before=f"{call}(", after=")")


def checked(before: str, text: str, after: str = "") -> list[str]:
    """``assert before"text"after``; a text that is too long gets a line of its own."""
    line = f"assert {before}{literal(text)}{after}"
    if len(line) + 4 <= WIDTH:
        return [line]
    return [*assigned("expected", text), f"assert {before}expected{after}"]


def identifier(words: str) -> str:
    """The name of a function made from any words, without ``test_``."""
    name = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:LONGEST_NAME].strip("_")
    return name or "it_is_as_declared"


def _function(draft: Draft, taken: set[str]) -> str:
    name = base = identifier(draft.name)
    number = 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    taken.add(name)
    argument = "host" if draft.side is Side.INSIDE else "container"
    lines = [f'"""{_docstring(draft.title)}"""', *draft.lines]
    return f"def test_{name}({argument}):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"


def _docstring(text: str) -> str:
    """One line that cannot end the text it stands in."""
    return _shown(text, LONGEST_TITLE).replace("\\", "/").replace('"', "'") or "As declared"


def _shown(text: str, width: int) -> str:
    """One line with nothing hidden in it."""
    line = one_line(text, width)
    return "".join(one if one.isprintable() else " " for one in line).strip()


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield f"    {literal(text[start : start + PIECE])}"


def _code(letter: str) -> str:
    # The codec would turn a letter that can be no part of UTF-8 into "?".
    return ascii(letter)[1:-1]


def _comments(left_out: Iterable[LeftOut]) -> Iterator[str]:
    yield "# Not translated:"
    for one in left_out:
        text = f"{_shown(one.where, LONGEST_TITLE)}: {_shown(one.why, LONGEST_REASON)}"
        yield from textwrap.wrap(
            text, WIDTH, initial_indent="# - ", subsequent_indent="#   ", break_on_hyphens=False
        )
