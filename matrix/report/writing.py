"""Reports into files."""

from collections.abc import Sequence
from pathlib import Path

from matrix.core.grid import Report
from matrix.report import render, render_files


def write_report(report: Report, name: str, path: Path) -> Sequence[Path]:
    """Put *report* at *path* in one step, so that nobody reads half of it.

    Returns the files written: a format that knows one environment only has one beside *path* for
    each.
    """
    documents = render_files(name, report, path)
    for target, document in documents.items():
        write_document(document, target)
    return tuple(documents)


def write_document(document: str, path: Path) -> None:
    """Put *document* at *path* in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.new")
    half.write_text(document, encoding="utf-8")
    half.replace(path)


def append_report(report: Report, name: str, path: Path) -> Sequence[Path]:
    """Add *report* at the end of *path*, for a file that several steps of a job write."""
    with path.open("a", encoding="utf-8") as file:
        file.write(render(name, report))
    return (path,)
