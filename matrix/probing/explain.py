"""Turns what pytest saw of one phase of a probe into words; runs in the probe's process.

What the words mean for the verdict is decided by the runner, see ``judge``.
"""

import re
from typing import TYPE_CHECKING

import pytest

from matrix.core.result import Json
from matrix.probing.backend import CellFault

if TYPE_CHECKING:
    from _pytest._code import Traceback

#: The frames that are shown are those of files below this prefix of a copy.
GROUP = re.compile(r"(?:\S*/)?mx-(?:\d+|control)/")
PLACE = re.compile(
    r"""(?P<file>mx-(?:\d+|control)/[^\s"':]+\.py)(?::(?P<a>\d+)|['"], line (?P<b>\d+))?"""
)
#: What testinfra raises when a program it needs is not there; the last one is a shell's answer.
TOOL_MISSING = re.compile(
    r'^cannot find ".*" command$|is required in \$PATH$|^Unexpected exit code 127 for '
)
TEXT_CAP = 64 * 1024
LINE_CAP = 500


def describe_phase(report: pytest.TestReport, call: pytest.CallInfo[None]) -> dict[str, Json]:
    """One of "setup", "call" and "teardown" as a message: when, outcome, kind, and the texts."""
    phase: dict[str, Json] = {"when": report.when or "", "outcome": report.outcome}
    if hasattr(report, "wasxfail") or (report.failed and call.excinfo is None):
        return {**phase, "outcome": "skipped", "kind": "skip", "message": "expected to fail"}
    if report.skipped:
        return {**phase, "kind": "skip", "message": _skip_reason(report)}
    if call.excinfo is None:
        return phase
    error = call.excinfo.value
    return {
        **phase,
        "kind": _kind(call.excinfo),
        "reason": error.reason if isinstance(error, CellFault) else "",
        "message": _message(error),
        "detail": cut(_detail(report, call.excinfo)),
    }


def locate(text: str) -> dict[str, Json]:
    """Where in the probes' code pytest's words about a broken file point, and the last of them.

    file is a place in the copy, "" when there is none; line counts from 1, 0 when unknown.
    """
    places = list(PLACE.finditer(text))
    lines = [line for line in text.splitlines() if line.strip()]
    said = [line[1:].strip() for line in lines if line.startswith("E ")] or lines or [""]
    file, line = (places[-1]["file"], places[-1]["a"] or places[-1]["b"]) if places else ("", 0)
    return {"file": file, "line": int(line or 0), "message": shorten_paths(said[-1])[:LINE_CAP]}


def cut(text: str, cap: int = TEXT_CAP) -> str:
    """*text* with its middle left out when it is longer than *cap* characters."""
    if len(text) <= cap:
        return text
    half = cap // 2
    return f"{text[:half]}\n[… {len(text) - cap} characters left out …]\n{text[-half:]}"


def shorten_paths(text: str) -> str:
    """*text* with the folder of the copy taken off every path."""
    return GROUP.sub("", text)


def _kind(info: pytest.ExceptionInfo[BaseException]) -> str:
    error = info.value
    if isinstance(error, SystemExit):
        return "exit"
    if isinstance(error, CellFault):
        return "answer"
    if _in_testinfra(info) and TOOL_MISSING.search(str(error).partition("\n")[0]):
        return "tool"
    return "assertion" if isinstance(error, AssertionError | pytest.fail.Exception) else "code"


def _in_testinfra(info: pytest.ExceptionInfo[BaseException]) -> bool:
    if not info.traceback:
        return False
    module = info.traceback[-1].frame.f_globals.get("__name__", "")
    return str(module).startswith("testinfra.")


def _message(error: BaseException) -> str:
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    if isinstance(error, AssertionError | pytest.fail.Exception | CellFault) and first:
        return first[:LINE_CAP]
    return f"{type(error).__name__}: {first}"[:LINE_CAP].removesuffix(": ")


def _skip_reason(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")[:LINE_CAP]


def _detail(report: pytest.TestReport, info: pytest.ExceptionInfo[BaseException]) -> str:
    """The traceback with only the probe's own frames; pytest's words when it has none."""
    if not _own_frames(info):
        return shorten_paths(str(report.longrepr))
    text = shorten_paths(str(info.getrepr(style="long", tbfilter=_own_frames)))
    # pytest takes the indentation off the first line of it.
    return text if text.startswith((">", "E ")) else f"    {text}"


def _own_frames(info: pytest.ExceptionInfo[BaseException]) -> "Traceback":
    return info.traceback.filter(lambda entry: bool(GROUP.match(str(entry.path))))
