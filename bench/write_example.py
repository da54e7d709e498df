"""Write reports/example.html: what ``make demo`` measured last, without what tells this machine.

``python bench/write_example.py [FOLDER]``; FOLDER is the project, by default this repository.
"""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from matrix.answer import read_report
from matrix.core.grid import Grid, Report
from matrix.report import render
from matrix.site import open_project, opened

ROOT = Path(__file__).parents[1]
COLUMNS = Path("inventories/demo.toml")
WHO, DNS = "dana@laptop", "192.0.2.53"
#: Facts that say which machine it was rather than what kind, and what stands there instead.
FACTS = {"hostname": "laptop", "engine.id": "0000", "init": "systemd", "dns": DNS}


def main(folder: Path) -> None:
    """Write the example."""
    with opened(open_project(folder, [folder / COLUMNS])) as site:
        report = measured(read_report(site))
    text = render("html", unnamed(report, swaps()))
    (ROOT / "reports/example.html").write_text(text, encoding="utf-8")


def measured(report: Report) -> Report:
    """The rows of which anything was measured; the gate asks for no others."""
    rows = {at.service for at, cell in report.grid.cells.items() if cell.result}
    cells = {at: cell for at, cell in report.grid.cells.items() if at.service in rows}
    grid: Grid = replace(
        report.grid,
        services=tuple(one for one in report.grid.services if one.name in rows),
        cells=cells,
    )
    decision = report.decision
    left = tuple(one for one in decision.reasons if not re.match(r"\S+: MISSING \(never\)", one))
    decided = replace(decision, reasons=left, required=len(cells))
    return replace(report, grid=grid, decision=decided, by=WHO)


def swaps() -> Mapping[str, str]:
    """What this machine's texts say → what is shown in its place."""
    release = os.uname().release
    servers = re.findall(r"(?m)^nameserver (\S+)", Path("/etc/resolv.conf").read_text("utf-8"))
    number = re.match(r"[\d.]+", release)
    return {release: number[0] if number else "6.1", **dict.fromkeys(servers, DNS)}


# Any: every value that a report is made of.
def unnamed(value: Any, words: Mapping[str, str]) -> Any:
    """*value* with *words* and FACTS put in, however deep they stand."""
    if isinstance(value, str):
        for found, shown in words.items():
            value = value.replace(found, shown)
        return value
    if isinstance(value, bytes):
        for found, shown in words.items():
            value = value.replace(found.encode(), shown.encode())
        return value
    if isinstance(value, Mapping):
        swapped = {key: unnamed(one, words) for key, one in value.items()}
        mine = value.get("hostname") == os.uname().nodename
        return {**swapped, **{key: FACTS[key] for key in FACTS if mine and key in value}}
    if isinstance(value, (list, tuple)):
        return type(value)(unnamed(one, words) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        new = {one.name: unnamed(getattr(value, one.name), words) for one in fields(value)}
        return replace(value, **new)
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
