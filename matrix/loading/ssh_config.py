"""Machines of an OpenSSH client configuration, worked out by ``ssh -G``.

``ssh -G`` runs what ``Match exec`` says, follows ``Include``, and asks the DNS for canonical
names. So it is given a copy that holds nothing but keywords that only name things; what else the
file says is listed as not taken. No connection is made and no ``ProxyCommand`` is ever run.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matrix.core.errors import UsageError
from matrix.loading.imported import (
    IDENTITY_FILE,
    KNOWN_HOSTS,
    Found,
    FoundAddress,
    FoundMachine,
    NotTaken,
    checked,
    checked_port,
    shown,
)
from matrix.loading.source import SourceError, read_text
from matrix.loading.tools import output_of, tool_path

#: Keywords that only name things (ssh_config(5)), in lower case.
HARMLESS = (
    "host",
    "hostname",
    "port",
    "user",
    "identityfile",
    "userknownhostsfile",
    "hostkeyalias",
    "proxyjump",
)
#: Keywords that say nothing about the machine and need no mention.
SILENT = ("compression", "serveraliveinterval", "serveralivecountmax", "loglevel", "identitiesonly")
KEYWORD = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+)(.*?)\s*", re.ASCII)
HOP = re.compile(r"(?:ssh://)?(?:([^@]+)@)?(\[[0-9A-Fa-f:]+\]|[^:@\[\]]+)(?::([0-9]+))?", re.ASCII)
DEFAULT_KEY = re.compile(r"~/\.ssh/id_[a-z0-9_]+")
MOST_MACHINES = 200
MOST_JUMPS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Filtered:
    """A configuration with everything taken out that could make ssh act."""

    text: str
    #: Names without patterns, in the file's order.
    aliases: tuple[str, ...]
    left_out: tuple[str, ...]


def read(path: Path) -> Found:
    """The machines that *path* names without a pattern.

    Raises UsageError when ssh is not installed or cannot read what is left of the file.
    """
    try:
        filtered = filter_config(read_text(path))
    except SourceError as error:
        raise UsageError(f"{path}: {error}") from error
    machines, left_out = [], list(filtered.left_out)
    with tempfile.TemporaryDirectory(prefix="matrix-ssh-") as name:
        folder = Path(name)
        config = folder / "config"
        config.write_text(filtered.text, encoding="utf-8")
        for alias in filtered.aliases[:MOST_MACHINES]:
            try:
                machines.append(_machine(alias, _Asking(config)))
            except NotTaken as error:
                left_out.append(f"host {shown(alias)}: {error}")
    more = filtered.aliases[MOST_MACHINES:]
    left_out += [f"{len(more)} hosts more than the {MOST_MACHINES} taken at once"] if more else []
    return Found(machines=tuple(machines), left_out=tuple(left_out))


def filter_config(text: str) -> Filtered:
    """*text* without what could make ssh run, read or ask anything."""
    kept, aliases, left_out = [], [], []
    in_match = False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = KEYWORD.fullmatch(line)
        word = found[1].lower() if found else ""
        in_match = word == "match" or (in_match and word != "host")
        if found is None or in_match or word not in HARMLESS:
            if word not in SILENT:
                left_out.append(f"line {number}, {found[1] if found else 'which has no keyword'}")
            continue
        if word == "host":
            aliases += [name for name in found[2].split() if not re.search(r'[*?!"\\]', name)]
        kept.append(line)
    return Filtered(
        text="\n".join(kept) + "\n",
        aliases=tuple(name for name in dict.fromkeys(aliases) if not name.startswith("-")),
        left_out=tuple(left_out),
    )


class _Asking:
    """Asks ssh what a configuration means for one host."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._ssh = tool_path("ssh", install="install the OpenSSH client")

    def settings(self, host: str) -> dict[str, list[str]]:
        """Keyword in lower case → its values; raises NotTaken for a name ssh could misread."""
        argv = [self._ssh, "-G", "-F", str(self._config), "--", checked("address", host)]
        try:
            text = output_of(
                argv, folder=self._config.parent, environment={"PATH": "/usr/bin:/bin"}
            )
        except UsageError as error:
            raise NotTaken(str(error)) from error
        found: dict[str, list[str]] = {}
        for line in text.splitlines():
            keyword, _, value = line.partition(" ")
            found.setdefault(keyword, []).append(value)
        return found

    def keys_of(self, alias: str, known_hosts: str) -> tuple[str, ...]:
        """Host keys that the file has under *alias*, which our inventories do not know."""
        tool = shutil.which("ssh-keygen")
        path = Path(known_hosts).expanduser()
        if tool is None or not path.is_file():
            return ()
        argv = [tool, "-F", alias, "-f", str(path.absolute())]
        try:
            text = output_of(
                argv, folder=self._config.parent, environment={"PATH": "/usr/bin:/bin"}
            )
        except UsageError:
            # ssh-keygen(1) ends with 1 when it finds nothing.
            return ()
        return tuple(_host_keys(text))


def _machine(alias: str, asking: _Asking) -> FoundMachine:
    notes: list[str] = []
    ssh = _address(alias, asking, notes, depth=0)
    return FoundMachine(name=alias, ssh=ssh, notes=tuple(notes))


def _address(host: str, asking: _Asking, notes: list[str], *, depth: int) -> FoundAddress:
    """How *host* is reached, through its own jumps; *depth* counts those on the way to here."""
    given = asking.settings(host)
    direct = _direct(host, given, asking, notes)
    hops = given.get("proxyjump", ["none"])[0]
    if hops == "none":
        return direct
    if depth >= MOST_JUMPS:
        raise NotTaken(f"it is reached through more than {MOST_JUMPS} others, or through itself")
    # "a,b" goes to a, with the jumps of its own, and from there to b, without.
    way: FoundAddress | None = None
    for hop in hops.split(",")[: MOST_JUMPS + 1]:
        way = _hop(hop, asking, notes, depth=depth + 1, way=way)
    return replace(direct, jump=way)


def _hop(
    hop: str, asking: _Asking, notes: list[str], *, depth: int, way: FoundAddress | None
) -> FoundAddress:
    """``[user@]host[:port]``, also as ``ssh://…``, reached over *way*."""
    found = HOP.fullmatch(hop.strip())
    if found is None:
        raise NotTaken(f"its ProxyJump {shown(hop)} cannot be read")
    host = found[2].strip("[]")
    if way is None:
        address = _address(host, asking, notes, depth=depth)
    else:
        address = replace(_direct(host, asking.settings(host), asking, notes), jump=way)
    return replace(
        address,
        user=checked("user", found[1]) if found[1] else address.user,
        port=checked_port(found[3]) if found[3] else address.port,
    )


def _direct(
    host: str, given: dict[str, list[str]], asking: _Asking, notes: list[str]
) -> FoundAddress:
    """*host* without its jumps."""
    known_hosts = _settled(given.get("userknownhostsfile", [KNOWN_HOSTS])[0].split(" ")[0])
    if known_hosts in ("none", "/dev/null"):
        notes.append(f"{host}: it is not checked who answers there; {KNOWN_HOSTS} is used instead.")
        known_hosts = KNOWN_HOSTS
    alias = given.get("hostkeyalias", [""])[0]
    keys = asking.keys_of(checked("address", alias), known_hosts) if alias else ()
    if alias and not keys:
        notes.append(f"{host}: HostKeyAlias was not taken: {known_hosts} has no key under it.")
    return FoundAddress(
        address=checked("address", given.get("hostname", [host])[0]),
        port=checked_port(given.get("port", ["22"])[0]),
        user=checked("user", given.get("user", [""])[0]),
        identity_file=_identity(host, given.get("identityfile", []), notes),
        known_hosts=checked("line", known_hosts),
        host_keys=keys,
    )


def _identity(host: str, listed: Sequence[str], notes: list[str]) -> str:
    """The first key the file names; where it names none, ssh lists all it would try."""
    if len(listed) > 1 and all(DEFAULT_KEY.fullmatch(path) for path in listed):
        notes.append(f"{host}: no key is named for it: check that {IDENTITY_FILE} is the one.")
        return IDENTITY_FILE
    return checked("line", _settled(listed[0] if listed else IDENTITY_FILE))


def _settled(path: str) -> str:
    """*path* when it is the same wherever it is used; raises NotTaken for one with tokens."""
    if "%" in path or "${" in path:
        raise NotTaken(f"{shown(path)} depends on where it is used")
    return path


def _host_keys(text: str) -> Iterator[str]:
    for line in text.splitlines():
        words: Sequence[str] = line.split(" ")
        if len(words) > 2 and not line.startswith(("#", "@")):  # noqa: PLR2004 - name, type, key
            try:
                yield checked("host-key", f"{words[1]} {words[2]}")
            except NotTaken:
                continue
