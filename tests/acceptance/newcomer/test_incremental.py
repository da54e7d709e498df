"""A run that takes over what nothing changed for, on a real engine."""

import json
import shutil

import pytest

pytestmark = pytest.mark.engine


@pytest.fixture
def example(shop, tmp_path):
    """A copy of the project in which reuse is the rule, and nothing is left to chance."""
    ignored = shutil.ignore_patterns(".matrix", "reports")
    folder = shutil.copytree(shop, tmp_path / "shop", ignore=ignored)
    (folder / "policy.toml").write_text('reuse = "1d"\naudit = 0.0\n')
    return folder


def the_cell(installed, folder):
    (cell,) = json.loads(installed.matrix("report", "--json", at=folder).out)["cells"]
    return cell


def test_what_nothing_changed_for_is_taken_over_and_says_from_where(installed, example):
    assert installed.matrix("run", at=example).code == 0
    measured = the_cell(installed, example)
    assert measured["reused_from"] == ""
    again = installed.matrix("run", at=example)
    assert again.code == 0
    assert f"PASSED, taken over from run {measured['run']}" in again.err
    assert "1 taken over" in again.out
    cell = the_cell(installed, example)
    assert cell["reused_from"] == measured["run"] != cell["run"]
    assert cell["finished_at"] == measured["finished_at"]
    assert cell["attempts"] == measured["attempts"]
    catalogue = example / "images/catalogue.toml"
    catalogue.write_text(catalogue.read_text().replace("pids = 64", "pids = 65"))
    assert "taken over" not in installed.matrix("run", at=example).err
    assert the_cell(installed, example)["reused_from"] == ""
