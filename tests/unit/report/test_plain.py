"""The grid as text, on any terminal."""

from dataclasses import replace

import pytest
from builders.report_readers import read_text
from builders.reports import an_empty_report
from builders.shop import shop_report

from matrix.core.text import display_width
from matrix.report import render


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_cell_is_lost_on_a_narrow_terminal(width: int) -> None:
    report = shop_report()
    assert len(read_text(render("text", report, width=width), report)) == 49


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_grid_keeps_to_the_width(width: int) -> None:
    lines = render("text", shop_report(), width=width).splitlines()
    wide = [line for line in lines if display_width(line) > width]
    # The legend and a command to copy are never cut.
    assert all("failed" in line or line.startswith("  docker rm") for line in wide)


def test_before_the_first_run_there_is_nobody_to_name() -> None:
    report = replace(an_empty_report(), run="", state="", by="", finished_at=None, release="")
    assert render("text", report).splitlines()[0] == "shop · nothing was run yet"
    assert "\nNothing was run yet.\n" in render("markdown", report)


def test_a_reader_learns_the_gate_and_its_reasons() -> None:
    shown = render("text", shop_report(), width=120)
    assert "GATE CLOSED: 38 of 49 required cells known, exit 1" in shown
    assert "queue@cluster: FAILED, no new primary" in shown
    assert "acme (acme-1): unreachable" in shown
    assert "docker rm -f -v mx-01jd9r2c7q-api-cloud-1" in shown
