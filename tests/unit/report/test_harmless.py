"""Everything in a value is neutralised, however deep, and nothing else changes."""

from builders.reports import HOSTILE, a_hostile_report
from builders.shop import shop_report

from matrix.core.result import Fault
from matrix.core.text import LIMIT, neutralise
from matrix.report.harmless import harmless, shown_bytes


def test_a_harmless_report_is_not_changed() -> None:
    report = harmless(shop_report())
    assert report == harmless(report)
    assert report.decision == shop_report().decision


def test_texts_deep_inside_are_neutralised() -> None:
    report = harmless(a_hostile_report())
    (cell,) = report.grid.cells.values()
    assert cell.result is not None
    attempt = cell.result.attempts[0]
    expected = neutralise(HOSTILE)
    assert report.project == expected
    assert attempt.probes[0].commands[0].result.command == expected
    assert attempt.logs[expected] == expected
    assert report.grid.findings["qa"].hosts[0].facts[expected] == expected
    assert report.grid.environments[0].title == expected


def test_a_text_too_long_is_cut_though_nothing_in_it_is_dangerous() -> None:
    long = "x" * (LIMIT + 1)
    fault = harmless(Fault(reason="assertion", message=long))
    assert fault == Fault(reason="assertion", message=neutralise(long))


def test_texts_that_are_long_together_only_stay() -> None:
    fault = Fault(reason="x" * (LIMIT - 1), message="y" * LIMIT)
    assert harmless(fault) is fault


def test_bytes_are_shown_as_text() -> None:
    assert shown_bytes(b"a\x1b[31mb\x00 \xff") == "ab␀ \\xff"
