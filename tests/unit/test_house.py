"""The house is kept as it was built: sizes, floors, and what nobody may call."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Ours, without what is only copied into a user's project.
SOURCES = tuple(
    path for path in sorted((ROOT / "matrix").rglob("*.py")) if "data" not in path.parts
)
PROBES = (*sorted((ROOT / "probes").rglob("*.py")), *sorted((ROOT / "matrix/data").rglob("*.py")))
TESTS = tuple(sorted((ROOT / "tests").rglob("*.py")))

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
#: Names that say nothing about what is in a file.
EMPTY_NAMES = ("util", "utils", "helper", "helpers", "common", "misc", "manager")
#: Where an error of any kind may be caught: it becomes a result there, or an exit code.
CATCH_ALL = ("matrix/execution/cell.py", "matrix/cli/")
#: Called as methods, and never right: see docs/architecture.md.
FORBIDDEN_METHODS = ("extractall", "put_archive", "AutoAddPolicy", "WarningPolicy")
#: Modules that make objects out of foreign bytes.
FORBIDDEN_MODULES = ("pickle", "cPickle", "dill", "shelve", "marshal", "yaml")
#: Reads YAML, into texts, lists and dicts only.
YAML_READER = "matrix/loading/foreign.py"


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _function_sizes(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield f"{_name(path)}:{node.lineno} {node.name}", lines


def _catches_all(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))
        for kind in kinds
    )


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether what was caught is raised again in any case."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _switches_on_a_shell(call: ast.Call) -> bool:
    return any(
        word.arg == "shell" and not (isinstance(word.value, ast.Constant) and not word.value.value)
        for word in call.keywords
    )


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call))


def test_there_is_something_to_look_at():
    assert len(SOURCES) > 100
    assert len(PROBES) > 5


@pytest.mark.parametrize("path", [*SOURCES, *TESTS, *PROBES], ids=_name)
def test_no_file_is_too_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_no_function_is_too_long():
    sizes = dict(pair for path in (*SOURCES, *PROBES) for pair in _function_sizes(path))
    assert {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION} == {}


def test_no_name_is_empty():
    every = (*SOURCES, *TESTS, *PROBES)
    parts = {part: _name(path) for path in every for part in path.with_suffix("").parts}
    assert not set(parts) & set(EMPTY_NAMES)


@pytest.mark.parametrize("path", PROBES, ids=_name)
def test_probes_import_nothing_of_ours(path):
    assert not [name for name in _imports(path) if name.split(".")[0] == "matrix"]


@pytest.mark.parametrize("name", ["conftest.py", "pytest.ini"])
def test_a_new_project_can_run_probes_by_hand_as_ours_can(name):
    ours, theirs = ROOT / "probes" / name, ROOT / "matrix/data/init/probes" / name
    assert theirs.read_text(encoding="utf-8") == ours.read_text(encoding="utf-8")


def test_core_imports_the_standard_library_only():
    ours = {"matrix", *sys.stdlib_module_names}
    core = [path for path in SOURCES if path.parent.name == "core"]
    foreign = {
        f"{_name(path)}: {name}"
        for path in core
        for name in _imports(path)
        if name.split(".")[0] not in ours
    }
    assert foreign == set()


def test_any_error_is_caught_in_two_places_only():
    handlers = {
        f"{_name(path)}:{node.lineno}"
        for path in SOURCES
        if not _name(path).startswith(CATCH_ALL)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not _passes_on(node)
    }
    assert handlers == set()


def test_no_command_goes_through_a_shell_unasked():
    asked = {
        f"{_name(path)}:{call.lineno}"
        for path in SOURCES
        for call in _calls(path)
        if _switches_on_a_shell(call) or _dotted(call.func) in ("os.system", "os.popen")
    }
    assert asked == set()


def test_nothing_forbidden_is_used():
    used = {
        f"{_name(path)}:{node.lineno} {node.attr if isinstance(node, ast.Attribute) else node.id}"
        for path in SOURCES
        for node in ast.walk(_tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_METHODS)
        or (isinstance(node, ast.Name) and node.id in FORBIDDEN_METHODS)
    }
    assert used == set()


def test_no_image_is_pulled_by_tag():
    # docker-py's high-level pull hides that it failed behind a stale image of the same tag.
    pulls = {
        f"{_name(path)}:{call.lineno}"
        for path in SOURCES
        for call in _calls(path)
        if _dotted(call.func).endswith("images.pull")
    }
    assert pulls == set()


def test_no_container_removes_itself():
    # Its exit status would be gone with it.
    text = {
        _name(path)
        for path in SOURCES
        if re.search(
            r'"AutoRemove": True|auto_remove=True|"--rm"', path.read_text(encoding="utf-8")
        )
    }
    assert text == set()


def test_nothing_is_unpickled():
    loaded = {
        f"{_name(path)}: {name}"
        for path in SOURCES
        for name in _imports(path)
        if name.split(".")[0] in FORBIDDEN_MODULES
    }
    assert loaded == {f"{YAML_READER}: yaml"}


def test_yaml_is_read_into_texts_only():
    loaders = {
        _dotted(word.value)
        for call in _calls(ROOT / YAML_READER)
        if _dotted(call.func).startswith("yaml.")
        for word in call.keywords
    }
    assert loaders == {"yaml.BaseLoader"}


def test_testinfras_own_backends_are_not_used():
    # They take any host key, hang on a large stderr and read a dead container as "exit 1".
    calls = {
        f"{_name(path)}:{call.lineno}"
        for path in SOURCES
        for call in _calls(path)
        if _dotted(call.func).endswith(("testinfra.get_host", "testinfra.get_hosts"))
    }
    assert calls == set()


def test_the_floors_are_held_by_make_lint():
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2]
    assert "lint-imports" in recipe.partition("\n\n")[0]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    floors = contracts["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = {room for floor in floors for room in floor.replace(" ", "").split("|")}
    folders = {
        f"matrix.{path.name}"
        for path in (ROOT / "matrix").iterdir()
        if (path / "__init__.py").exists()
    }
    assert folders <= rooms
