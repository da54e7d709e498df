"""How much a JSON text can hold, told without parsing it. For text from anybody.

A parser makes dozens of bytes out of one: a small file of a million empty objects fills the memory
long before its shape is looked at. So characters are counted first, those in strings left out.
"""

import re
from dataclasses import dataclass

from matrix.core.errors import Refused

#: A string, or the rest of the text where one is not closed; possessive, so it takes linear time.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """What one text may hold at most."""

    size_bytes: int
    #: Objects and lists.
    containers: int
    #: Members of all of them together.
    members: int

    @property
    def strings(self) -> int:
        """A member has a name and a value."""
        return 2 * self.members


def refuse_swarms(data: bytes, caps: Caps, *, what: str) -> None:
    """Raises Refused for a text that is longer or may hold more than *caps*."""
    if len(data) > caps.size_bytes:
        raise Refused(f"{what} is larger than {caps.size_bytes // 2**20} MiB")
    # Only a quote inside a string or at its end can follow a backslash: no string is missed.
    if data.count(b'"') - data.count(b'\\"') > caps.strings:
        raise Refused(f"{what} holds more than {caps.strings} texts")
    # Taking the strings out is what takes time, and is seldom needed.
    bones = data if _fits(data, caps) else _STRING.sub(b"", data)
    if bones.count(b"{") + bones.count(b"[") > caps.containers:
        raise Refused(f"{what} holds more than {caps.containers} objects and lists")
    if bones.count(b",") > caps.members:
        raise Refused(f"{what} holds more than {caps.members} members")


def _fits(data: bytes, caps: Caps) -> bool:
    """Whether it holds no more than that even if nothing of it is a string."""
    containers = data.count(b"{") + data.count(b"[")
    return containers <= caps.containers and data.count(b",") <= caps.members
