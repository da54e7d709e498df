"""`matrix probe run`: what somebody does who looks for what is wrong with a cell."""

import json
import shutil

import pytest

PROBES = '''
def test_it_fails(host):
    """It fails on purpose"""
    assert host.run("echo $((6 * 7))").stdout.strip() == "41"


def test_it_works(host):
    """It works"""
    assert host.run("true").rc == 0
'''


@pytest.fixture
def example(shop, tmp_path):
    ignored = shutil.ignore_patterns(".matrix", "reports")
    folder = shutil.copytree(shop, tmp_path / "shop", ignore=ignored)
    (folder / "probes/hello/test_two.py").write_text(PROBES)
    return folder


@pytest.mark.engine
def test_only_what_was_asked_for_is_run_and_nothing_is_kept(installed, example):
    said = installed.matrix("probe", "run", "hello@local", "hello/test_two.py::*", at=example)
    assert said.code == 1, said.err
    assert "✗ FAILED hello/test_two.py::test_it_fails" in said.out
    assert "✓ PASSED hello/test_two.py::test_it_works" in said.out
    assert "inside $ echo $((6 * 7))\n    42\n    exit 0" in said.out
    assert "test_page_is_served" not in said.out
    one = "hello/test_two.py::test_it_works"
    found = installed.matrix("probe", "run", "hello@local", one, "--json", at=example)
    assert found.code == 0, found.err
    (host,) = json.loads(found.out)
    planned = [probe for probe in host["attempt"]["planned"] if not probe.startswith("control/")]
    assert (planned, host["leftovers"]) == ([one], [])
    (cell,) = json.loads(installed.matrix("report", "--json", at=example).out)["cells"]
    assert (cell["verdict"], cell["run"]) == ("MISSING", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("hello@nowhere", "hello/*"), 'no cell is called "hello@nowhere"'),
        (("hello@local", "hello/*", "halo/*"), 'no probe of hello matches "halo/*"'),
        (("hello@local", "page_is"), 'matches "page_is", "*page_is*" does'),
    ],
    ids=["cell", "probe", "part of a probe"],
)
def test_a_cell_or_probe_that_is_not_there_is_named(installed, shop, words, told):
    said = installed.matrix("probe", "run", *words, at=shop)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
