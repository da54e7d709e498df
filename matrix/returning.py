"""What a customer sends back: the report of their run, as one signed file.

The report is given as it may leave the machine: whatever had to be taken out is out already.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from matrix.bundle import dsse
from matrix.bundle.keys import SigningKey
from matrix.bundle.result import configuration, write_result
from matrix.core.errors import Refused
from matrix.core.grid import GridCell, Report
from matrix.core.kits import IssuedKit
from matrix.core.sink import clean_cell
from matrix.core.text import neutralise
from matrix.report.data import document
from matrix.report.harmless import harmless
from matrix.report.intoto import statement

#: Characters that one text may keep, tried in this order until all of it fits.
LIMITS = (256 * 1024, 32 * 1024, 8 * 1024, 2 * 1024, 512)


def make_result(report: Report, kit: IssuedKit, key: SigningKey) -> bytes:
    """The file, signed with *key*; what was taken out of *report* is counted by kind.

    Where the evidence is larger than whoever gets it would take, the middle of its long texts is
    left out. Raises Refused where even that is not enough.
    """
    whole = statement(report)
    predicate = whole["predicate"]
    assert isinstance(predicate, Mapping)  # noqa: S101 - we made it just now
    whole = {**whole, "predicate": {**predicate, "configuration": configuration(kit)}}
    signer = partial(key.sign, namespace=dsse.NAMESPACE)
    removed = Counter[str]()
    for one in report.redacted:
        removed[one.kind] += one.count
    for limit in LIMITS:
        data = document(harmless(_cut(report, limit))).model_dump_json().encode("utf-8")
        try:
            return write_result(whole, data, removed=removed, signer=signer)
        except Refused as error:
            why = error
    raise Refused(f"no result can be made of this report: {why}") from why


def _cut(report: Report, limit: int) -> Report:
    """*report* with at most *limit* characters of each text of the evidence."""
    cells = {name: _cut_cell(cell, limit) for name, cell in report.grid.cells.items()}
    return replace(report, grid=replace(report.grid, cells=cells))


def _cut_cell(cell: GridCell, limit: int) -> GridCell:
    if cell.result is None:
        return cell
    return replace(cell, result=clean_cell(cell.result, partial(neutralise, limit=limit)))
