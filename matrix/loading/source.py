"""One TOML file, read with care, and where in it each key stands."""

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: No file of ours is anywhere near as large; a larger one is not ours or not for us.
CAP_BYTES = 1024 * 1024

#: Anything TOML may hold, nothing about it checked yet.
Raw = Any
#: Keys and positions that lead to a value.
Location = tuple[str | int, ...]

HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?")
ASSIGNMENT = re.compile(r"""\s*((?:[A-Za-z0-9_.\-\s]|"[^"]*"|'[^']*')+?)\s*=""")


class SourceError(Exception):
    """A file cannot be read at all."""

    def __init__(self, found: str, allowed: str, *, line: int = 0) -> None:
        self.found = found
        self.allowed = allowed
        self.line = line
        super().__init__(f"{found} ({allowed})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file that was read, before anything in it is checked."""

    path: Path
    data: Mapping[str, Raw]
    text: str

    def as_written(self, location: Location) -> Location:
        """*location* without positions in what is no list here: one table may stand for several."""
        value: Raw = self.data
        written: list[str | int] = []
        for part in location:
            if isinstance(part, int) and not isinstance(value, list):
                continue
            written.append(part)
            value = _inside(value, part)
        return tuple(written)

    def line_of(self, location: Location) -> int:
        """Line of the key, or of the nearest table around it; 0 when even that is not known."""
        lines = key_lines(self.text)
        for length in range(len(location), 0, -1):
            if location[:length] in lines:
                return lines[location[:length]]
        return 0


def _inside(value: Raw, part: str | int) -> Raw:
    """What is under one key or position, None where nothing is."""
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    return None


def shown_path(path: Path) -> str:
    """*path* as the user would write it: from where they are, if it lies below that."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def read_source(path: Path, *, within: Path | None) -> Source:
    """Read and parse *path*; raises SourceError.

    With *within*, a file that lies there must still do so when links are followed: what somebody
    else put into a project must not make us read the rest of the machine.
    """
    if within is not None and path.is_relative_to(within):
        real = path.resolve()
        if not real.is_relative_to(within.resolve()):
            raise SourceError("a link that leads out of the project", "a file inside it")
    text = read_text(path)
    try:
        return Source(path=path, data=tomllib.loads(text), text=text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else len(text.splitlines())
        raise SourceError(
            f"not TOML: {error}", "see toml.io for how it is written", line=line
        ) from error
    except RecursionError as error:
        raise SourceError("values nested too deeply", "a few levels") from error


def read_text(path: Path) -> str:
    """A regular file of at most 1 MiB in UTF-8; raises SourceError for anything else."""
    try:
        # Without O_NONBLOCK opening a pipe would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        raise SourceError(reason, "a file that can be read") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SourceError("not a regular file", "a regular file")
        data = file.read(CAP_BYTES + 1)
    if len(data) > CAP_BYTES:
        raise SourceError("a file of more than 1 MiB", "at most 1 MiB")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise SourceError(f"not UTF-8 from byte {error.start} on", "text in UTF-8") from error


def key_lines(text: str) -> Mapping[Location, int]:
    """Location of each key and table that begins a line → number of that line.

    Good enough to point an editor at: keys inside inline tables are not found.
    """
    lines: dict[Location, int] = {}
    counts: dict[Location, int] = {}
    table: Location = ()
    for number, line in _outside_of_strings(text):
        header = HEADER.fullmatch(line)
        if header:
            table = _placed(_parts(header[2]), counts, is_list=header[1] == "[[")
            lines.setdefault(table, number)
        elif assignment := ASSIGNMENT.match(line):
            location = (*table, *_parts(assignment[1]))
            lines.setdefault(location, number)
    return lines


def _outside_of_strings(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without those inside a text of several lines."""
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            if closing in line:
                closing = ""
            continue
        yield number, line
        for quotes in ('"""', "'''"):
            if line.count(quotes) % 2:
                closing = quotes


def _parts(dotted: str) -> tuple[str, ...]:
    """The keys in ``services."a.b".ports``, as TOML reads them; () for what is none."""
    try:
        value: Raw = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts: list[str] = []
    while isinstance(value, dict):
        key, value = next(iter(value.items()))
        parts.append(key)
    return tuple(parts)


def _placed(parts: tuple[str, ...], counts: dict[Location, int], *, is_list: bool) -> Location:
    """*parts* with the position in each list of tables on the way put in."""
    location: Location = ()
    for index, part in enumerate(parts):
        location = (*location, part)
        last = index == len(parts) - 1
        if last and is_list:
            counts[location] = counts.get(location, -1) + 1
        if location in counts:
            location = (*location, counts[location])
    return location
