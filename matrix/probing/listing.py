"""What a probe says about itself: id, side, title and markers; runs in the probe's process."""

import ast
import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from matrix.core.result import Json, Side

#: Folder in a copy with our own controls.
CONTROL_GROUP = "mx-control"
#: A probe that asks for one of these looks from outside.
OUTSIDE_FIXTURES = frozenset({"outside", "container"})
TIMEOUT_SECONDS = 30.0
TIMEOUT_MOST_SECONDS = 3600.0


class BadProbe(Exception):
    """A marker has arguments it does not take, or the function cannot be a probe."""


def probe_id(item: pytest.Item) -> str:
    """``queue/test_data.py::test_is_kept[1]``, or ``control/…`` for our own."""
    group, _, rest = item.nodeid.partition("/")
    if group == CONTROL_GROUP:
        return f"control/{item.name.removeprefix('test_')}"
    return rest


def describe(item: pytest.Item) -> dict[str, Json]:
    """All that a plan needs to know; raises BadProbe."""
    if inspect.iscoroutinefunction(getattr(item, "function", None)):
        raise BadProbe("a probe cannot be an async function")
    names = set(getattr(item, "fixturenames", ()))
    side = Side.OUTSIDE if names & OUTSIDE_FIXTURES else Side.INSIDE
    return {
        "id": probe_id(item),
        "side": side.value,
        "title": _title(item),
        "warn": item.get_closest_marker("warn") is not None,
        "timeout": _timeout(item),
        "requires": _requires(item),
        "engines": _engines(item),
        "file": _place(item),
    }


def blame(item: pytest.Item, message: str) -> dict[str, Json]:
    """An error at the line of *item*."""
    line = item.location[1]
    return {"file": _place(item), "line": 0 if line is None else line + 1, "message": message}


def find_shadowed(items: Sequence[pytest.Item]) -> Iterator[dict[str, Json]]:
    """Tests that a second definition of the same name has replaced, so that they never run."""
    for place in sorted({_place(item) for item in items}):
        tree = ast.parse(Path(place).read_bytes())
        for scope in ast.walk(tree):
            if isinstance(scope, ast.Module | ast.ClassDef):
                for function in _repeated(scope):
                    message = f"{function.name} is defined twice, the first one would never run"
                    yield {"file": place, "line": function.lineno, "message": message}


def _repeated(scope: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef]:
    seen: set[str] = set()
    for node in scope.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            if node.name in seen:
                yield node
            seen.add(node.name)


def _place(item: pytest.Item) -> str:
    return item.path.relative_to(Path.cwd()).as_posix()


def _title(item: pytest.Item) -> str:
    function = getattr(item, "function", None)
    lines = ((function and function.__doc__) or "").strip().splitlines()
    name = getattr(item, "originalname", None) or item.name
    title = lines[0].rstrip(".") if lines else name.removeprefix("test_").replace("_", " ")
    parameters = item.name.partition("[")[2].removesuffix("]")
    return f"{title} [{parameters}]" if parameters else title


def _timeout(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    if marker is None:
        return TIMEOUT_SECONDS
    values = [*marker.args, *marker.kwargs.values()]
    right = len(values) == 1 and marker.kwargs.keys() <= {"seconds"}
    seconds = values[0] if right else None
    if not isinstance(seconds, int | float) or not 0 < seconds <= TIMEOUT_MOST_SECONDS:
        raise BadProbe("timeout takes one number of seconds, above 0 and at most 3600")
    return float(seconds)


def _engines(item: pytest.Item) -> list[Json]:
    marker = item.get_closest_marker("engines")
    if marker is None:
        return []
    if marker.kwargs or not marker.args or not all(isinstance(one, str) for one in marker.args):
        raise BadProbe('engines takes names of engines: engines("docker", "podman")')
    return [*marker.args]


def _requires(item: pytest.Item) -> dict[str, Json]:
    facts: dict[str, Json] = {}
    for marker in reversed(list(item.iter_markers("requires"))):
        if marker.args:
            raise BadProbe("requires takes facts by name: requires(architecture='amd64')")
        facts |= marker.kwargs
    try:
        copied: dict[str, Json] = json.loads(json.dumps(facts, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise BadProbe(f"requires takes text, numbers and lists of them: {error}") from error
    return copied
