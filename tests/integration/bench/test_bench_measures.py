"""bench uses the product's own parts: when one of them changes, this says so before a long run."""

import pytest

from bench import run, store_steps
from bench.cells import Workshop
from matrix.loading import load_project
from matrix.probing.prober import PytestProber


@pytest.mark.full
@pytest.mark.engine
def test_the_local_comparisons_can_be_measured(monkeypatch):
    monkeypatch.setattr(run, "ROUNDS", dict.fromkeys(run.ROUNDS, 1))
    monkeypatch.setattr(run, "CONTAINERS", 2)
    measured = run.Measured()
    with PytestProber() as prober:
        workshop = Workshop(load_project(run.ROOT), prober)
        with workshop.tools() as tools, workshop.session(tools, "laptop") as session:
            run.measure_local(measured, workshop, tools, session)
    assert [len(one["sides"]) for one in measured.comparisons] == [2, 3]
    assert all(side["median_seconds"] > 0 for one in measured.comparisons for side in one["sides"])


@pytest.mark.full
def test_a_large_store_can_be_made_and_asked():
    taken = store_steps.large_store(1, runs=4)
    assert set(store_steps.GOALS) < set(taken)
    assert all(seconds > 0 for one in taken.values() for seconds in one)


def test_numbers_of_one_part_take_the_place_of_its_old_ones_only():
    machine = {"date": "today", "commit": "abc", "load_before": [1.0], "load_after": [2.0]}
    kept = {"machine": {}, "steps": [{"title": "a", "times": 1}, {"title": "b", "times": 1}]}
    new = {"machine": machine, "steps": [{"title": "b", "times": 2}]}
    assert run.with_new(kept, new) == {
        "machine": {},
        "steps": [
            {"title": "a", "times": 1},
            {"title": "b", "times": 2, "measured": "today, commit abc, load 1.0 and 2.0"},
        ],
    }
