"""The section about whole runs says what did not hold, and what nobody has measured."""

from copy import deepcopy

from bench.demo_section import section

STEP = {"name": "grid", "seconds": 500.0, "exit_status": 0, "disk_bytes": 2**30}
CELL = {"host": "qa-1", "verdict": "FAILED", "attempt": 1, "seconds": 40.4}
RUNS = {
    "warm": {
        "note": "Others were at work on it.",
        "began_with": {"images": 9, "hosts": 3},
        "machine": {
            "date": "2026-11-23 00:40 UTC",
            "commit": "431efe3c5348",
            "cores": 2,
            "load_before": [1.5, 2.5, 3.5],
            "load_after": [4.5, 5.5, 6.5],
        },
        "steps": [
            {**STEP, "memory_bytes": 3 * 2**30},
            {**STEP, "name": "lab", "seconds": 65.0, "memory_bytes": 2**30},
        ],
        "cells": [
            {**CELL, "cell": "web@qa", "steps": {"start": 2.0, "probe": 30.0}},
            {**CELL, "cell": "api@qa", "seconds": 60.0, "steps": {"start": 3.0, "probe": 50.0}},
        ],
    }
}


def test_goals_that_hold_are_told_with_what_was_measured():
    text = section(RUNS)
    assert "| warm: at most 10 minutes | 9 min 25 s | holds |" in text
    assert "| warm: at most 40 GiB of disk | 2.0 GiB | holds |" in text
    assert "| warm: at most 12 GiB of memory | 3.0 GiB | holds |" in text


def test_what_nobody_has_measured_does_not_hold():
    assert "| cold: at most 45 minutes | not measured | **nobody knows** |" in section(RUNS)


def test_what_one_step_has_not_measured_is_known_of_none():
    partly = deepcopy(RUNS)
    partly["warm"]["steps"][1] |= {"memory_bytes": None, "disk_bytes": None}
    text = section(partly)
    assert "| warm: at most 40 GiB of disk | not measured | **nobody knows** |" in text
    assert "| warm: at most 12 GiB of memory | not measured | **nobody knows** |" in text
    assert "| lab | 1 min 5 s | not measured | not measured | as expected |" in text


def test_goals_that_do_not_hold_are_not_hidden():
    slow = deepcopy(RUNS)
    slow["warm"]["steps"][0] |= {"seconds": 600.0, "memory_bytes": 13 * 2**30, "exit_status": 1}
    text = section(slow)
    assert "| warm: at most 10 minutes | 11 min 5 s | **does not hold** |" in text
    assert "| warm: at most 12 GiB of memory | 13.0 GiB | **does not hold** |" in text
    assert "| grid | 10 min 0 s | 13.0 GiB | 1.0 GiB | **exit 1** |" in text


def test_it_says_where_the_time_of_the_cells_went():
    text = section(RUNS)
    assert "| qa | 2 | 0 | 5 | 0 | 80 | 0 | 100 |" in text
    slowest = text.index("| api@qa | qa-1 | FAILED | 0 | 3 | 0 | 50 | 0 | 60 |")
    assert slowest < text.index("| web@qa | qa-1 | FAILED | 0 | 2 | 0 | 30 | 0 | 40 |")


def test_it_says_under_what_load_and_with_what_there_was():
    text = section(RUNS)
    assert "load 1.5, 2.5, 3.5 before and 4.5, 5.5, 6.5 after" in text
    assert "It began with 9 images and 3 hosts. Others were at work on it." in text


def test_without_a_whole_run_there_is_no_section():
    assert section({}) == ""
