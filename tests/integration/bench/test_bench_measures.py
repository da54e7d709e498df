"""bench uses the product's own parts: when one of them changes, this says so before a long run."""

import pytest

from bench import run
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
