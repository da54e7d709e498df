"""Messages between the runner and a probe's process: length-prefixed JSON, nothing else.

Four bytes of length, big-endian, then one JSON object in UTF-8; bytes travel as base64 text. JSON
and not pickle, because the process on the other side runs code that nobody has checked.

| from   | kind      | fields                                                                     |
|--------|-----------|----------------------------------------------------------------------------|
| runner | job       | ``Job``: what to do, once, first                                           |
| child  | collected | probes: list, errors: list, output                                         |
| child  | started   | id: the probe that begins                                                  |
| child  | run       | side, target, command: answered                                            |
| child  | control   | target, verb, arguments: answered, see ``requests``                        |
| runner | answer    | value, or error: {verdict, reason, message}                                |
| child  | report    | id, phases: list, output, cut: acknowledged                                |
| runner | ack       |                                                                            |
| child  | finished  | every probe of the job was reported                                        |
| child  | quit      | message: pytest ended before that                                          |
"""

import base64
import binascii
import json
import struct
from collections.abc import Mapping

from matrix.core.result import Json

Message = dict[str, Json]

HEADER = struct.Struct(">I")
#: Process ids and exit statuses, as the process that forks writes them.
NUMBER = struct.Struct(">q")
#: The longest message that is taken from a probe's process.
CHILD_CAP_BYTES = 4 * 1024 * 1024
#: The longest message that is sent to it: two outputs at their caps, as base64.
RUNNER_CAP_BYTES = 64 * 1024 * 1024


class BrokenWire(Exception):
    """What came is not a message."""


def encode(message: Mapping[str, Json], *, cap_bytes: int) -> bytes:
    """One frame; raises BrokenWire when it is longer than *cap_bytes*."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(body) > cap_bytes:
        raise BrokenWire(f"a message of {len(body)} bytes, at most {cap_bytes} are sent")
    return HEADER.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """The message in *body*; raises BrokenWire for anything but one JSON object with a kind."""
    try:
        message = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BrokenWire(f"not JSON: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise BrokenWire("not a JSON object with a kind")
    return message


def pack(data: bytes) -> str:
    """Bytes as they are written in a message."""
    return base64.b64encode(data).decode("ascii")


def unpack(text: Json) -> bytes:
    """The bytes in *text*; raises BrokenWire."""
    if not isinstance(text, str):
        raise BrokenWire("not base64: not even text")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BrokenWire(f"not base64: {error}") from error


class Frames:
    """Bytes in, whole frames out; holds at most one frame's worth and what was read with it."""

    def __init__(self, *, cap_bytes: int) -> None:
        self._cap_bytes = cap_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what was read."""
        self._buffer += data

    def take(self) -> bytes | None:
        """The next frame's body, None when it is not complete; raises BrokenWire if too long."""
        if len(self._buffer) < HEADER.size:
            return None
        (length,) = HEADER.unpack_from(self._buffer)
        if length > self._cap_bytes:
            raise BrokenWire(f"a message of {length} bytes, at most {self._cap_bytes} are taken")
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[HEADER.size : end])
        del self._buffer[:end]
        return body


def _refuse_constant(name: str) -> None:
    raise BrokenWire(f"{name} is not JSON")
