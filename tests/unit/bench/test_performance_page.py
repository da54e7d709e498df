"""The page about performance says what was measured, and hides no goal that was missed."""

import json
from copy import deepcopy

import pytest

from bench.write_page import DEMO, PAGE, ROOT, page, seconds, times


def _taken(median: float, *, name: str = "") -> dict:
    return {
        "name": name,
        "count": 7,
        "median_seconds": median,
        "quartile_1_seconds": median * 0.9,
        "quartile_3_seconds": median * 1.2,
        "least_seconds": median / 2,
        "most_seconds": median * 2,
    }


RECORDED = {
    "machine": {
        "date": "2026-11-22 18:14 UTC",
        "commit": "431efe3c5348",
        "cores": 2,
        "processor": "A processor",
        "memory_bytes": 24 * 2**30,
        "kernel": "6.1.0",
        "python": "3.11.7",
        "docker_command": "20.10.24",
        "ssh_command": "OpenSSH_9.2p1",
        "packages": {"pytest": "9.2.0"},
        "engines": {"laptop": "docker 20.10.24"},
        "load_before": [0.91, 4.56, 6.03],
        "load_after": [3.46, 4.25, 5.71],
    },
    "probes": {"file": "test_everyday.py::test_file", "user": "test_everyday.py::test_user"},
    "comparisons": [
        {
            "title": "one command",
            "unit": "one command",
            "at_least": 50,
            "sides": [_taken(0.0008, name="matrix"), _taken(0.072, name="testinfra docker://")],
        }
    ],
    "steps": [
        {
            "title": "The front door",
            "goals": {"matrix --help": 0.2},
            "times": {"matrix --help": _taken(0.154), "python -c pass": _taken(0.016)},
        }
    ],
}


def test_goals_that_hold_are_said_to_hold():
    text = page(RECORDED, {})
    assert "| one command: at least 50 times less | 90 times | holds |" in text
    assert "| `matrix --help`: less than 200 ms | 154 ms | holds |" in text
    assert "does not hold" not in text


def test_goals_that_do_not_hold_are_not_hidden():
    slow = deepcopy(RECORDED)
    slow["comparisons"][0]["sides"][1] = _taken(0.0392, name="testinfra docker://")
    slow["steps"][0]["times"]["matrix --help"] = _taken(0.2)
    text = page(slow, {})
    assert "| one command: at least 50 times less | 49 times | **does not hold** |" in text
    assert "| `matrix --help`: less than 200 ms | 200 ms | **does not hold** |" in text


def test_every_side_is_shown_with_its_spread_and_ratio():
    text = page(RECORDED, {})
    assert "| matrix | 0.80 ms (0.72 ms – 0.96 ms) | 1 | 7 times |" in text
    assert "| testinfra docker:// | 72 ms (65 ms – 86 ms) | 90 | 7 times |" in text


def test_the_page_says_on_what_and_how_it_was_measured():
    text = page(RECORDED, {})
    for said in ("431efe3c5348", "make bench", "file, user", "0.91, 4.56, 6.03", "2 cores"):
        assert said in text


@pytest.mark.parametrize(
    ("value", "shown"), [(0.00079, "0.79 ms"), (0.0704, "70 ms"), (10.63, "10.63 s")]
)
def test_a_time_has_a_unit_that_suits_it(value, shown):
    assert seconds(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(88.4, "88"), (9.96, "10"), (0.6, "0.6"), (1, "1")])
def test_a_small_ratio_keeps_a_digit(value, shown):
    assert times(value) == shown


def test_the_page_in_git_is_made_from_the_numbers_in_git():
    measured = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))
    demo = json.loads(DEMO.read_text(encoding="utf-8")) if DEMO.exists() else {}
    assert PAGE.read_text(encoding="utf-8") == page(measured, demo)
