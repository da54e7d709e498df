"""docs/reference/page-checks.md says what holds the page: all of it is there, and nothing else."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/page-checks.md").read_text(encoding="utf-8")
ROWS = {found[1]: found[0] for found in re.finditer(r"(?m)^\| (A\d+) \| .*$", PAGE)}
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)
#: Held by a measurement, and by nothing before there is a service.
WITHOUT_TESTS = {"A12", "A14"}


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}


def test_what_is_named_is_there() -> None:
    assert [at for at in NAMED if at[1] not in names_in(at[0])] == []
    assert all((ROOT / path).is_file() for path in re.findall(r"`(bench/[\w/]+\.py)`", PAGE))


def test_every_numbered_test_stands_in_the_row_of_its_number() -> None:
    for file in (ROOT / "tests/browser").rglob("test_*.py"):
        path = file.relative_to(ROOT).as_posix()
        for name in names_in(path):
            number = re.match(r"test_(a\d+)_", name)
            assert not number or f"`{path}::{name}`" in ROWS[number[1].upper()], name


def test_every_check_is_held_by_a_test() -> None:
    without = {number for number, row in ROWS.items() if "::test_" not in row}
    assert without == WITHOUT_TESTS
    assert {f"A{number}" for number in (*range(1, 15), 17, 18, 19, 21, 22)} == ROWS.keys()
