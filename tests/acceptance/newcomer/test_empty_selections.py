"""A run that was to measure nothing is no green run, however green the grid is."""

import pytest
from builders.seeded import NO_ENGINE, a_result, keep

from matrix.cli import execute
from matrix.core.verdict import Verdict
from matrix.loading import load_project

EXPECTED = """
[[cells."hello@local"]]
verdict = "PASSED"
reason = ""
because = "it is only a page"
"""


@pytest.fixture
def green(tmp_path, monkeypatch):
    """A project whose only cell PASSED."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATRIX_BUILD_SOCKET", NO_ENGINE)
    assert execute(["init", "."]) == 0
    keep(tmp_path, [a_result(load_project(tmp_path), "hello@local", Verdict.PASSED)])
    assert execute(["gate"]) == 0
    return tmp_path


def test_a_run_that_selects_nothing_exits_with_4(green, capsys):
    (green / "expected.toml").write_text(EXPECTED)
    for options in (["-x", "*"], ["-x", "*", "--expected", "expected.toml"]):
        assert execute(["plan", "-x", "*"]) == execute(["run", *options]) == 4
    assert "nothing to measure" in capsys.readouterr().err


def test_when_nothing_is_left_to_try_again_the_gate_decides(green):
    assert execute(["run", "--last-failed"]) == 0
