"""What a probe asks for, checked and carried out; with the record of it for the evidence."""

import json
import time
from collections.abc import Mapping

from matrix.core.errors import DeadlineExceeded, NotReady, UsageError
from matrix.core.ports import CellAccess
from matrix.core.result import CommandRecord, CommandResult, Json, Side
from matrix.probing.requests import Command, Control, parse_command, parse_control
from matrix.probing.wire import Message, pack, unpack

Asked = Command | Control

#: Verbs that wait; they get no more than what is left of the probe's time.
WAITING = ("wait_until_ready", "attach", "exec")


def read_question(message: Message, side: Side) -> Asked:
    """The question in a message of a probe of *side*; raises UsageError."""
    asked = parse_command(message) if message["kind"] == "run" else parse_control(message)
    looks_outside = isinstance(asked, Control) or asked.side is Side.OUTSIDE
    if looks_outside and side is Side.INSIDE:
        raise UsageError(
            "an inside probe has looked outside: name `outside` or `container` in its arguments"
        )
    return asked


def carry_out(
    asked: Asked, access: CellAccess, *, left_seconds: float
) -> tuple[Json, CommandRecord]:
    """The value of the answer and the record of it; raises what *access* raises."""
    if left_seconds <= 0:
        raise DeadlineExceeded("the probe's time is over")
    if isinstance(asked, Command):
        return _run(asked, access, left_seconds)
    return _control(asked, access, left_seconds)


def _run(asked: Command, access: CellAccess, left_seconds: float) -> tuple[Json, CommandRecord]:
    result = access.run(
        side=asked.side,
        target=asked.target,
        command=asked.command,
        deadline_seconds=left_seconds,
    )
    value: Json = {
        "rc": result.exit_status,
        "stdout": pack(result.stdout),
        "stderr": pack(result.stderr),
        "stdout_bytes": result.stdout_bytes,
        "stderr_bytes": result.stderr_bytes,
    }
    return value, CommandRecord(side=asked.side, target=asked.target, result=result)


def _control(asked: Control, access: CellAccess, left_seconds: float) -> tuple[Json, CommandRecord]:
    wanted = asked.arguments.get("seconds", left_seconds)
    seconds = min(float(str(wanted)), left_seconds)
    arguments = (
        {**asked.arguments, "seconds": seconds} if asked.verb in WAITING else asked.arguments
    )
    began = time.monotonic()
    try:
        value = access.control(target=asked.target, verb=asked.verb, arguments=arguments)
    except NotReady as error:
        if seconds < float(str(wanted)):
            raise DeadlineExceeded(f"the probe's time was over while waiting: {error}") from error
        raise
    taken = time.monotonic() - began
    if asked.verb == "exec":
        return _exec(asked, value, taken)
    return value, _record(asked, value, taken)


def _exec(asked: Control, value: Json, seconds: float) -> tuple[Json, CommandRecord]:
    if not isinstance(value, Mapping):
        raise TypeError(f"exec was answered with {value!r}")
    stdout, stderr = unpack(value["stdout"]), unpack(value["stderr"])
    counts = {"stdout_bytes": len(stdout), "stderr_bytes": len(stderr)}
    answer: dict[str, Json] = {**counts, **value}
    result = CommandResult(
        command=str(asked.arguments["command"]),
        exit_status=int(str(answer["rc"])),
        stdout=stdout,
        stderr=stderr,
        stdout_bytes=int(str(answer["stdout_bytes"])),
        stderr_bytes=int(str(answer["stderr_bytes"])),
        seconds=seconds,
    )
    return answer, CommandRecord(side=Side.INSIDE, target=asked.target, result=result)


def _record(asked: Control, value: Json, seconds: float) -> CommandRecord:
    """A verb as a command: its words, and what the engine said."""
    said = b"" if value is None else _bytes(asked.verb, value)
    result = CommandResult(
        command=str(asked),
        exit_status=0,
        stdout=said,
        stderr=b"",
        stdout_bytes=len(said),
        stderr_bytes=0,
        seconds=seconds,
    )
    return CommandRecord(side=Side.OUTSIDE, target=asked.target, result=result)


def _bytes(verb: str, value: Json) -> bytes:
    if verb == "copy_out":
        return unpack(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace")
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace")
