"""Machines that another tool's files name, and the inventory made from them.

Everything in those files is hostile: a value is taken when it is what our own inventory would
accept, otherwise the machine is left out. What was not taken is said in a comment, by name only:
it may be a password.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matrix.core.model import Kind
from matrix.loading.formats import FORMATS, Misfit, Surroundings

#: Where OpenSSH looks when nothing is said.
KNOWN_HOSTS = "~/.ssh/known_hosts"
IDENTITY_FILE = "~/.ssh/id_ed25519"
HIGHEST_PORT = 65535
LONGEST_NAME = 31
LONGEST_COMMENT = 160


class NotTaken(Exception):
    """A machine that cannot be taken over; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundAddress:
    """How a machine is reached, as its file says, checked; "" where it says nothing."""

    address: str
    port: int
    user: str
    identity_file: str
    known_hosts: str
    host_keys: tuple[str, ...] = ()
    jump: "FoundAddress | None" = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundMachine:
    """One machine to be an environment of its own."""

    #: As the other file calls it.
    name: str
    #: None for the machine we are on.
    ssh: FoundAddress | None
    groups: tuple[str, ...] = ()
    engine_sudo: bool = False
    #: What a reader should look at, one line each.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """All that another file has for us."""

    machines: tuple[FoundMachine, ...]
    #: What was not taken and why, one line each.
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Names:
    """Names given so far, each a valid one of its own."""

    given: set[str] = field(default_factory=set)

    def give(self, wanted: str) -> str:
        base = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:LONGEST_NAME] or "host"
        name, count = base.rstrip("-"), 1
        while name in self.given:
            count += 1
            tail = f"-{count}"
            name = base[: LONGEST_NAME - len(tail)].rstrip("-") + tail
        self.given.add(name)
        return name


def checked(kind: str, value: str) -> str:
    """*value* when it is of the format *kind*; raises NotTaken."""
    row = FORMATS[kind]
    if row.pattern is not None and not re.fullmatch(row.pattern, value, re.ASCII):
        raise NotTaken(f"{shown(value)} is not {row.words}")
    try:
        row.read(value, Surroundings(folder=Path("/"), names={}))
    except Misfit as error:
        raise NotTaken(f"{shown(value)} is not {error}") from error
    return value


def checked_port(value: object) -> int:
    """*value*, a number or its digits, when it is a port; raises NotTaken."""
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or not 1 <= int(text) <= HIGHEST_PORT:
        raise NotTaken(f"{shown(text)} is no port")
    return int(text)


def shown(text: str) -> str:
    """*text* in quotation marks, harmless in a comment and short."""
    return quote("".join(one if one.isprintable() else "?" for one in text[:60]))


def quote(text: str) -> str:
    """*text* as a basic string of TOML."""
    # TOML's escapes are those of JSON, and it wants DEL escaped too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def inventory_text(found: Found, *, origin: str) -> str:
    """*found* as an inventory that ``load_project`` reads, with comments on what to look at."""
    names = _Names()
    lines = [
        *_comment(f"Made from {origin} by `matrix env import`. Read it before you use it:"),
        *_comment("kind and engine are guesses; each machine is an environment of its own."),
        *(line for one in found.left_out for line in _comment(f"Not taken: {one}")),
    ]
    for machine in found.machines:
        lines += ["", *_machine(machine, names.give(machine.name))]
    return "\n".join(lines) + "\n"


def _machine(machine: FoundMachine, name: str) -> Iterator[str]:
    for note in machine.notes:
        yield from _comment(note)
    yield f"[environments.{name}]"
    yield f"title = {quote(_line(machine.name) or name)}"
    yield f"kind = {quote(_kind((machine.name, *machine.groups)))}"
    yield 'engine = "docker"'
    if machine.groups:
        yield f"labels = {{ groups = {quote(_line(' '.join(machine.groups)))} }}"
    yield ""
    yield f"[[environments.{name}.hosts]]"
    yield f"name = {quote(name)}"
    if machine.ssh is None:
        yield 'connection = "local"'
        return
    yield 'connection = "ssh"'
    yield from _address(machine.ssh)
    if machine.engine_sudo:
        yield "engine_sudo = true"


def _address(ssh: FoundAddress) -> Iterator[str]:
    yield f"address = {quote(ssh.address)}"
    yield f"port = {ssh.port}"
    yield f"user = {quote(ssh.user)}"
    yield f"identity_file = {quote(ssh.identity_file or IDENTITY_FILE)}"
    if ssh.host_keys:
        yield f"host_keys = [{', '.join(map(quote, ssh.host_keys))}]"
    else:
        yield f"known_hosts = {quote(ssh.known_hosts or KNOWN_HOSTS)}"
    if ssh.jump is not None:
        yield f"jump = {{ {', '.join(_address(ssh.jump))} }}"


def _kind(words: Sequence[str]) -> str:
    """The kind that a name or group says by itself, else the most careless one to be wrong in."""
    known = {kind.value for kind in Kind} | set(ALIASES)
    parts = (part for word in words for part in re.split(r"[^a-z]+", word.lower()))
    said = next((part for part in parts if part in known), Kind.DEVELOPMENT.value)
    return ALIASES.get(said, said)


#: What kinds are also called.
ALIASES = {"prod": "production", "dev": "development", "test": "qa", "staging": "qa"}


def _line(text: str) -> str:
    return "".join(one for one in text if one.isprintable())[:200].strip()


def _comment(text: str) -> Iterable[str]:
    """*text* as a comment: no line break or control character can end it early."""
    yield f"# {_line(' '.join(text.split()))[:LONGEST_COMMENT]}"
