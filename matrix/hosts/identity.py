"""What this machine and whoever uses it are called. Asks nobody else: no name is looked up.

Sources: uname(2), hosts(5), resolv.conf(5), machine-id(5), passwd(5), and sysfs for the addresses
of interfaces.
"""

import getpass
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: Names that every hosts file or engine has.
_EVERYWHERE = re.compile(
    r"localhost.*|ip6-.*|broadcasthost|.*\.(?:docker|containers)\.internal|[\d.]+|.*:.*"
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
#: The most that is read of one file.
CAP_BYTES = 256 * 1024
#: Accounts below this are the system's own (login.defs(5)).
FIRST_PERSON = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Names of a machine, its network and its people."""

    names: frozenset[str]
    accounts: frozenset[str]


def own_identity(root: Path = Path("/")) -> Identity:
    """The names in the files below *root*, and what this process knows; what is missing is not
    there."""
    names = (
        *_of_machine(root),
        *_of_hosts(_lines(root / "etc/hosts")),
        *_of_resolver(_lines(root / "etc/resolv.conf")),
        *(address.replace(":", "") for address in _hardware(root)),
    )
    return Identity(
        names=frozenset(name.strip(".") for name in names if _tells(name)),
        accounts=frozenset(filter(_NAME.fullmatch, _accounts(root))),
    )


def _of_machine(root: Path) -> Iterator[str]:
    yield os.uname().nodename
    for file in ("etc/hostname", "etc/machine-id", "etc/mailname"):
        yield from _lines(root / file)
    for file in ("proc/sys/kernel/hostname", "proc/sys/kernel/domainname"):
        yield from (line for line in _lines(root / file) if line != "(none)")


def _of_hosts(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from line.partition("#")[0].split()[1:]


def _of_resolver(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        key, *words = line.split() or [""]
        if key in ("search", "domain"):
            yield from words


def _hardware(root: Path) -> Iterator[str]:
    for file in sorted(root.glob("sys/class/net/*/address")):
        yield from (line for line in _lines(file) if set(line) > {"0", ":"})


def _accounts(root: Path) -> Iterator[str]:
    # An account may have a number only.
    with suppress(KeyError, OSError):
        yield getpass.getuser()
    for line in _lines(root / "etc/passwd"):
        name, _, number, *_ = (*line.split(":"), "", "", "")
        if number.isdecimal() and int(number) >= FIRST_PERSON:
            yield name


def _tells(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not _EVERYWHERE.fullmatch(name)


def _lines(file: Path) -> Iterator[str]:
    try:
        with file.open("rb") as opened:
            text = opened.read(CAP_BYTES).decode("utf-8", "replace")
    except OSError:
        return
    yield from (line.strip() for line in text.splitlines())
