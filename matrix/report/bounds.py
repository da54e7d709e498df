"""What the fields of a report from outside may hold, before anything is made of them.

The shapes say what kind of value a field has. A number may still be larger than a database takes,
a name longer than a key, a cell tried a million times: whatever our own runner never writes is
refused here, so that nothing behind has to expect it.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping

from matrix.core.errors import UsageError
from matrix.report.shapes import Cell, Column, Command, Document, Host, Probe, Try

MOST_HOSTS = 16
#: A cell is tried again at most so often, on each of its hosts.
MOST_ATTEMPTS = 64
MOST_FACTS = 500
#: A year: no step, probe or command takes longer.
MOST_SECONDS = 366 * 86400.0
_MOST_NUMBER = 2**31 - 1
_MOST_BYTES = 2**53
_MOST_CHARACTERS = 2048
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")
_HASHES = re.compile(r"(?:[0-9a-f]{64}(?:\+[0-9a-f]{64}){0,15})?")


def check_bounds(document: Document) -> None:
    """Raises UsageError, saying where, for a value that none of our runs could have written."""
    _short("version", document.version, most=40)
    _few("environments", document.environments, MOST_HOSTS)
    for column in document.environments:
        _column(column)
    for cell in document.cells:
        _cell(cell)


def _column(column: Column) -> None:
    _named("environment", column.name)
    _few("hosts", column.hosts, MOST_HOSTS)
    for host in column.hosts:
        _host(host)


def _host(host: Host) -> None:
    _named("host", host.name)
    _hashed("fingerprint", host.fingerprint)
    _few("facts", host.facts, MOST_FACTS)
    for name, fact in host.facts.items():
        _named("fact", name)
        if isinstance(fact, int | float):
            _within(name, fact, most=_MOST_BYTES * 1024)


def _cell(cell: Cell) -> None:
    _named("service", cell.service)
    _named("environment", cell.environment)
    _short("reason", cell.reason)
    for name in ("image_id", "probes_digest"):
        _short(name, getattr(cell, name))
    _hashed("fingerprint", cell.fingerprint)
    if cell.reused_from:
        raise UsageError("reused_from: a kit takes nothing over from earlier runs")
    _few("attempts", cell.attempts, MOST_ATTEMPTS)
    _few("hosts", {attempt.host for attempt in cell.attempts}, MOST_HOSTS)
    for attempt in cell.attempts:
        _try(attempt)


def _try(attempt: Try) -> None:
    _within("number", attempt.number, most=_MOST_NUMBER)
    _named("host", attempt.host)
    _short("reason", attempt.reason)
    _short("image_id", attempt.image_id)
    _lasting("seconds", attempt.seconds)
    for name in _names_in(attempt):
        if name:
            _named("name", name)
    for seconds in attempt.steps.values():
        _lasting("steps", seconds)
    for probe in attempt.probes:
        _probe(probe)


def _names_in(attempt: Try) -> Iterator[str]:
    """Names that are keys of what is kept."""
    yield from attempt.logs
    yield from attempt.steps
    for probe in attempt.probes:
        yield from (command.target for command in probe.commands)


def _probe(probe: Probe) -> None:
    for name in ("id", "title", "reason"):
        _short(name, getattr(probe, name))
    _lasting("seconds", probe.seconds)
    for command in probe.commands:
        _command(command)


def _command(command: Command) -> None:
    _within("exit_status", command.exit_status, most=_MOST_NUMBER)
    for name in ("stdout_bytes", "stderr_bytes"):
        _within(name, getattr(command, name), most=_MOST_BYTES)
    _lasting("seconds", command.seconds)


def _named(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{what}: {name[:60]!r} is no name")


def _hashed(what: str, found: str) -> None:
    if not _HASHES.fullmatch(found):
        raise UsageError(f"{what}: {found[:80]!r} is no hash")


def _short(what: str, text: str, *, most: int = _MOST_CHARACTERS) -> None:
    if len(text) > most:
        raise UsageError(f"{what}: {len(text)} characters, {most} are allowed")


def _few(what: str, found: Iterable[object], most: int) -> None:
    count = len(found) if isinstance(found, tuple | set | Mapping) else sum(1 for _ in found)
    if count > most:
        raise UsageError(f"{what}: {count} of them, {most} are allowed")


def _lasting(what: str, seconds: float) -> None:
    _within(what, seconds, most=MOST_SECONDS)


def _within(what: str, number: float, *, most: float) -> None:
    """*number* is an int of any size, or a float of any kind."""
    if not (isinstance(number, int) or math.isfinite(number)) or abs(number) > most:
        raise UsageError(f"{what}: out of range")
