"""Which probes can be run, and what is said about those that cannot."""

from dataclasses import replace

from builders.hosts import CONTROLS, planned_probe

from matrix.core.result import Side
from matrix.core.verdict import Verdict
from matrix.execution.supported import split_probes

INSIDE = (*(planned_probe(name) for name in CONTROLS), planned_probe("queue/works"))
OUTSIDE = replace(planned_probe("outside/port"), side=Side.OUTSIDE)
OUTSIDE_CONTROLS = tuple(replace(planned_probe(name), side=Side.OUTSIDE) for name in CONTROLS)


def split(*probes, facts=None, has_shell=True):
    return split_probes(
        probes, facts=facts or {}, has_shell=has_shell, outside_controls=OUTSIDE_CONTROLS
    )


def test_all_probes_run_where_there_is_a_shell_and_nothing_is_asked():
    parts = split(*INSIDE, OUTSIDE)
    assert parts.runnable == (*INSIDE, OUTSIDE)
    assert parts.left_out == ()


def test_without_a_shell_only_what_looks_from_outside_runs_and_says_so():
    parts = split(*INSIDE, OUTSIDE, has_shell=False)
    assert parts.runnable == (*OUTSIDE_CONTROLS, OUTSIDE)
    assert [(one.id, one.verdict, one.reason) for one in parts.left_out] == [
        ("queue/works", Verdict.UNSUPPORTED, "shell")
    ]
    assert "no shell" in parts.left_out[0].message


def test_an_unmet_requirement_of_a_probe_says_what_was_asked_and_found():
    probe = replace(OUTSIDE, requires={"cgroup_version": 2})
    parts = split(probe, facts={"cgroup_version": 1})
    assert parts.runnable == ()
    assert parts.left_out[0].reason == "requirement"
    assert parts.left_out[0].message == "cgroup_version: asked == 2, found 1"
