from dataclasses import replace

import pytest
from builders.past import FLAKY, a_report_with_a_past
from builders.shop import shop_report

from matrix.core.history import Change, Comparison
from matrix.core.model import CellId
from matrix.report import render
from matrix.report.told import past_lines


def test_a_report_without_a_past_tells_of_none():
    assert list(past_lines(shop_report())) == []


def test_every_kind_of_change_has_its_line_and_the_worst_is_first():
    report = a_report_with_a_past()
    *changes, flaky = past_lines(report)
    baseline = report.comparison.baseline
    assert changes[0] == f"regression since {baseline}: queue@cluster"
    assert len(changes) == len(Change)
    assert flaky == f"flaky: {', '.join(FLAKY)}"


def test_only_some_cells_are_named():
    cells = [CellId(service=f"s{n}", environment="qa") for n in range(11)]
    comparison = Comparison(baseline="1.0", changes=dict.fromkeys(cells, Change.FIXED))
    (line,) = past_lines(replace(shop_report(), comparison=comparison))
    assert line.startswith("fixed since 1.0: s0@qa, ")
    assert line.endswith("s7@qa and 3 more")


def test_that_nothing_changed_is_said():
    report = replace(shop_report(), comparison=Comparison(baseline="1.0", changes={}))
    assert list(past_lines(report)) == ["nothing changed since 1.0"]


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_people_read_it(name):
    document = render(name, a_report_with_a_past()).replace("&#64;&#8203;", "@")
    assert "regression since" in document
    assert "flaky" in document
