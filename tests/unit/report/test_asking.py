from datetime import timedelta

import pytest
from builders.past import a_report_with_a_past
from builders.reports import BEGAN, an_empty_report
from builders.shop import shop_report

from matrix.core.grid import Report
from matrix.core.model import CellId
from matrix.core.query import parse, select_cells
from matrix.core.verdict import Verdict
from matrix.report.asking import asked_of, part

NOW = BEGAN + timedelta(hours=1)


def found(report: Report, query: str) -> set[str]:
    return {str(one.cell) for one in select_cells(asked_of(report), parse(query), now=NOW)}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_cells_are_asked_for_by_the_verdict_the_grid_has(verdict: Verdict) -> None:
    report = shop_report()
    wanted = {str(at) for at, cell in report.grid.cells.items() if cell.verdict is verdict}
    if verdict is not Verdict.MISSING:
        assert found(report, f"status:{verdict.value.lower()}") == wanted != set()
    assert len(asked_of(report)) == len(report.grid.services) * len(report.grid.environments)


def test_changed_flaky_and_waived_are_asked_of_the_report() -> None:
    report = a_report_with_a_past()
    grid = {str(one.cell) for one in asked_of(report)}
    changed = {str(cell) for cell in report.comparison.changes}
    assert found(report, "is:changed") == changed & grid != set()
    assert found(report, "is:flaky") == {str(at) for at, one in report.history.items() if one.flaky}
    waived = {str(at) for at, cell in report.grid.cells.items() if cell.waived}
    assert found(report, "is:waived") == waived != set()


def test_a_part_of_the_grid_has_only_its_rows_columns_and_reasons() -> None:
    report = shop_report()
    failed = [at for at, cell in report.grid.cells.items() if cell.verdict is Verdict.FAILED]
    shown = part(report, failed[:1], width=100)
    head, *lines = shown.splitlines()
    assert head.split() == [failed[0].environment]
    assert any(line.startswith(failed[0].service) for line in lines)
    assert f"✗ FAILED {failed[0]}: " in shown
    assert lines[-1] == f"1 of {len(asked_of(report))} cells"
    assert all(len(line) <= 100 for line in lines)


def test_nothing_found_is_said() -> None:
    assert part(an_empty_report(), (), width=80) == "0 of 4 cells"


def test_columns_stand_in_the_order_of_the_inventory_and_never_wider_than_asked() -> None:
    report = shop_report()
    order = [one.name for one in report.grid.environments]
    # Row by row, the last column would come first.
    cells = [CellId(service="website", environment="acme"), CellId(service="api", environment="qa")]
    assert part(report, cells, width=200).splitlines()[0].split() == ["qa", "acme"]
    narrow = part(report, list(report.grid.cells), width=60).splitlines()
    heads = [line.split() for line in narrow if line.split() and line.split()[0] in order]
    assert [name for head in heads for name in head] == order
    assert all(len(line) <= 60 for line in narrow)
