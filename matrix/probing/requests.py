"""What a probe may ask of the runner: commands, and the verbs of the ``container`` fixture.

``CellAccess.control(target=…, verb=…, arguments=…)`` is called with exactly the arguments of this
table, checked before. *target* is the name of a companion, "" is the service itself.

| verb             | arguments        | answer                                                    |
|------------------|------------------|-----------------------------------------------------------|
| identify         |                  | {name, id}                                                |
| state            |                  | {running, paused, restarting, exit_code, oom_killed,      |
|                  |                  | started_at, image_id}                                     |
| inspect          |                  | the engine's whole answer, an object                      |
| start            |                  | null                                                      |
| stop             | seconds?: number | null; absent means the service's own grace                |
| restart          |                  | null                                                      |
| kill             |                  | null                                                      |
| pause, unpause   |                  | null                                                      |
| wait_until_ready | seconds: number  | null; raises NotReady                                     |
| logs             | tail: integer    | text                                                      |
| stats            |                  | {memory_bytes, memory_limit_bytes, pids, cpu_seconds, …}  |
| copy_out         | path: text       | base64                                                    |
| attach           | seconds: number, | text; as soon as *until* is in it, no more is waited for  |
|                  | until?: text     |                                                           |
| exec             | command: text,   | {rc, stdout: base64, stderr: base64, and when some was    |
|                  | seconds: number  | not kept stdout_bytes, stderr_bytes: what came in all}    |
| address          | port_name: text  | [address, port]                                           |

``seconds`` of exec is what is left of the probe's time: the runner adds it. That of
wait_until_ready and attach is never more than what is left.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from matrix.core.errors import UsageError
from matrix.core.result import Json, Side
from matrix.probing.wire import Message

#: The kernel's own limit for one argument is 128 KiB.
TEXT_CAP_BYTES = 128 * 1024
SECONDS_MOST = 3600
LINES_MOST = 10_000
#: What is shown of a command in a message.
SHOWN_LETTERS = 200


class Kind(Enum):
    """What an argument must be."""

    SECONDS = "seconds from 0 to 3600"
    LINES = "an integer from 1 to 10000"
    TEXT = "text without NUL"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verb:
    """The arguments a verb takes."""

    required: Mapping[str, Kind]
    optional: Mapping[str, Kind]


def _takes(**required: Kind) -> Verb:
    return Verb(required=required, optional={})


VERBS: Mapping[str, Verb] = {
    "identify": _takes(),
    "state": _takes(),
    "inspect": _takes(),
    "start": _takes(),
    "stop": Verb(required={}, optional={"seconds": Kind.SECONDS}),
    "restart": _takes(),
    "kill": _takes(),
    "pause": _takes(),
    "unpause": _takes(),
    "wait_until_ready": _takes(seconds=Kind.SECONDS),
    "logs": _takes(tail=Kind.LINES),
    "stats": _takes(),
    "copy_out": _takes(path=Kind.TEXT),
    "attach": Verb(required={"seconds": Kind.SECONDS}, optional={"until": Kind.TEXT}),
    "exec": _takes(command=Kind.TEXT),
    "address": _takes(port_name=Kind.TEXT),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command to run."""

    side: Side
    #: "" for the service itself, and always for the outside.
    target: str
    command: str

    def __str__(self) -> str:
        shown = repr(self.command[:SHOWN_LETTERS])
        if self.side is Side.OUTSIDE:
            return f"outside.run({shown})"
        host = f'container.companion("{self.target}").host' if self.target else "host"
        return f"{host}.run({shown})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """One verb of the ``container`` fixture to carry out."""

    target: str
    verb: str
    arguments: Mapping[str, Json]

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        fixture = f'container.companion("{self.target}")' if self.target else "container"
        return f"{fixture}.{self.verb}({values})"


def parse_command(message: Message) -> Command:
    """The command in a ``run`` message; raises UsageError."""
    side = message.get("side")
    if side not in (Side.INSIDE.value, Side.OUTSIDE.value):
        raise UsageError("a command runs inside or outside")
    return Command(
        side=Side(side),
        target=_text(message.get("target"), "target"),
        command=_text(message.get("command"), "command"),
    )


def parse_control(message: Message) -> Control:
    """The verb in a ``control`` message with its arguments checked; raises UsageError."""
    verb, arguments = message.get("verb"), message.get("arguments")
    if not isinstance(verb, str) or verb not in VERBS:
        raise UsageError(f"the container fixture has no verb {verb!r}")
    if not isinstance(arguments, dict):
        raise UsageError(f"{verb}: the arguments are not an object")
    return Control(
        target=_text(message.get("target"), "target"),
        verb=verb,
        arguments=_check(verb, arguments),
    )


def _check(verb: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
    takes = VERBS[verb]
    known = {**takes.required, **takes.optional}
    for name in arguments.keys() - known.keys():
        raise UsageError(f"{verb} takes no argument {name!r}")
    for name in takes.required.keys() - arguments.keys():
        raise UsageError(f"{verb} needs the argument {name!r}")
    return {name: CHECKS[known[name]](value, name) for name, value in arguments.items()}


def _seconds(value: Json, name: str) -> float:
    return float(_number(value, name, Kind.SECONDS, least=0, most=SECONDS_MOST))


def _lines(value: Json, name: str) -> int:
    number = _number(value, name, Kind.LINES, least=1, most=LINES_MOST)
    if not isinstance(number, int):
        raise UsageError(f"{name} is not {Kind.LINES.value}: {value!r}")
    return number


def _number(value: Json, name: str, kind: Kind, *, least: int, most: int) -> int | float:
    # What is no number at all compares with nothing, as NaN.
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not least <= number <= most:
        raise UsageError(f"{name} is not {kind.value}: {value!r}")
    return number


def _text(value: Json, name: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise UsageError(f"{name} is not {Kind.TEXT.value}")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} cannot be written as UTF-8: {error.reason}") from error
    if size > TEXT_CAP_BYTES:
        raise UsageError(f"{name} is {size} bytes long, at most {TEXT_CAP_BYTES} are allowed")
    return value


CHECKS: Mapping[Kind, Callable[[Json, str], Json]] = {
    Kind.SECONDS: _seconds,
    Kind.LINES: _lines,
    Kind.TEXT: _text,
}
