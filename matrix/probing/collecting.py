"""Reads the list of probes that a process has collected, and refuses what is not right in it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matrix.core.errors import ProbeCodeError
from matrix.core.result import Json, PlannedProbe
from matrix.probing.forkserver import Child, ChildEnded
from matrix.probing.reported import Mistake, read_mistake, read_probe, read_text
from matrix.probing.wire import BrokenWire, Message

#: Importing probe code takes milliseconds; a module that loops must not hang the runner.
COLLECT_SECONDS = 60.0


def is_test_file(place: str) -> bool:
    """Whether pytest looks for probes in it."""
    name = place.rpartition("/")[2]
    return name.startswith("test_") and name.endswith(".py")


def collect_from(child: Child, files: Mapping[str, Path]) -> tuple[PlannedProbe, ...]:
    """The probes in *files* (place → original); raises ProbeCodeError with every mistake."""
    try:
        message = _receive(child)
        probes = [read_probe(value, files) for value in _list(message, "probes")]
        mistakes = [read_mistake(value) for value in _list(message, "errors")]
    except (BrokenWire, ChildEnded) as error:
        raise ProbeCodeError(f"{_names(files)}: listing the probes failed: {error}") from error
    if not mistakes:
        mistakes = [*_empty_files(probes, files), *_repeated_ids(probes, files)]
    if mistakes:
        raise ProbeCodeError("\n".join(_say(mistake, files) for mistake in mistakes))
    return tuple(probes)


def _receive(child: Child) -> Message:
    message = child.receive(seconds=COLLECT_SECONDS)
    if message is None:
        raise BrokenWire(f"nothing came back in {COLLECT_SECONDS:g} s")
    if message["kind"] != "collected":
        raise BrokenWire(read_text(message, "message", 2000) or f"{message['kind']!r} came")
    return message


def _list(message: Message, name: str) -> list[Json]:
    value = message.get(name)
    if not isinstance(value, list):
        raise BrokenWire(f"{name} is not a list")
    return value


def _empty_files(probes: Sequence[PlannedProbe], files: Mapping[str, Path]) -> Iterator[Mistake]:
    with_probes = {probe.file for probe in probes}
    for place, file in files.items():
        if is_test_file(place) and file not in with_probes:
            yield Mistake(place=place, line=1, message="no probe is in this file")


def _repeated_ids(probes: Sequence[PlannedProbe], files: Mapping[str, Path]) -> Iterator[Mistake]:
    places = {file: place for place, file in files.items()}
    seen: set[str] = set()
    for probe in probes:
        if probe.id in seen:
            yield Mistake(place=places[probe.file], line=0, message=f"{probe.id} is there twice")
        seen.add(probe.id)


def _say(mistake: Mistake, files: Mapping[str, Path]) -> str:
    where = str(files.get(mistake.place, _names(files)))
    return (
        f"{where}:{mistake.line}: {mistake.message}"
        if mistake.line
        else f"{where}: {mistake.message}"
    )


def _names(files: Mapping[str, Path]) -> str:
    return ", ".join(sorted({str(file.parent) for file in files.values()}))
