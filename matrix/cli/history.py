"""``matrix history``: what one cell came to before, and since when it is bad."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import click
from tabulate import tabulate

from matrix.cli.output import counted, json_option, print_json, print_text, project_options
from matrix.core.errors import UsageError
from matrix.core.history import CellHistory, Past
from matrix.core.model import CellId
from matrix.core.reading import short
from matrix.core.result import Reporter
from matrix.core.selection import known
from matrix.core.text import clean, one_line
from matrix.report.summary import REPORTED, whose_word
from matrix.site import open_project, opened_store

_REASON_WIDTH = 20


@click.command("history")
@click.argument("cell")
@project_options
@json_option
def command(cell: str, start: Path, inventories: Sequence[Path], as_json: bool) -> None:
    """Show the last measurements of CELL, written queue@qa: newest first, at most 30.

    What changed from one to the next is marked with *: the image, the state of the environment,
    the set of probes. The first bad run is the oldest of those that were bad up to now. What a
    customer reported themselves is marked with », and said below.
    """
    with opened_store(open_project(start, inventories)) as store:
        histories, reporters = store.histories(), store.reporters()
    at = _cell(cell, histories)
    if as_json:
        print_json({"cell": at, **_data(histories[at], reporters)})
    else:
        print_text("\n".join(_lines(at, histories[at], reporters)))


def _cell(name: str, histories: Mapping[CellId, CellHistory]) -> CellId:
    found = next((cell for cell in histories if str(cell) == name), None)
    if found is None:
        names = sorted(map(str, histories))
        raise UsageError(f'no cell "{name}" was ever measured{known(name, names)}')
    return found


def _data(history: CellHistory, reporters: Mapping[str, Reporter]) -> Mapping[str, object]:
    return {
        "flaky": history.flaky,
        "first_bad": history.first_bad,
        "past": history.past,
        "reporters": {one.run: reporters[one.run] for one in history.past if one.run in reporters},
    }


def _lines(cell: CellId, history: CellHistory, reporters: Mapping[str, Reporter]) -> Iterator[str]:
    newest = history.past[0]
    flaky = ", flaky" if history.flaky else ""
    yield f"{cell}: {newest.verdict.value}{flaky}"
    strip = "".join(past.verdict.glyph for past in reversed(history.past))
    yield f"{strip}  {counted(len(history.past), 'measurement')}, the newest at the right"
    if history.first_bad:
        yield from _first_bad(history.first_bad, history.past)
    yield ""
    rows = list(_rows(history.past, reporters))
    yield tabulate(rows, headers=_HEADS, disable_numparse=True)
    for reporter in dict.fromkeys(
        reporters[one.run] for one in history.past if one.run in reporters
    ):
        yield f"{REPORTED} {whose_word(reporter)}"


def _first_bad(first: Past, past: Sequence[Past]) -> Iterator[str]:
    release = f", release {first.release}" if first.release else ""
    yield clean(f"first bad: run {first.run}, {_moment(first)}{release}")
    before = next((one for older, one in pairwise(past) if older == first), None)
    if before is None:
        yield "  what was before it is not kept"
        return
    changed = [
        f"{what} {short(was) or 'not known'} to {short(now) or 'not known'}"
        for what, was, now in (
            ("image", before.image_id, first.image_id),
            ("environment", before.fingerprint, first.fingerprint),
            ("probes", before.probes_digest, first.probes_digest),
        )
        if was != now
    ]
    yield clean(f"  since run {before.run}: {', '.join(changed) or 'nothing else changed'}")


_HEADS = ("", "verdict", "reason", "when", "run", "release", "image", "environment", "probes",
          "retries")  # fmt: skip


def _rows(past: Sequence[Past], reporters: Mapping[str, Reporter]) -> Iterator[tuple[str, ...]]:
    for one, before in zip(past, (*past[1:], None), strict=True):
        yield (
            one.verdict.glyph,
            one.verdict.value,
            one_line(one.reason, _REASON_WIDTH),
            _moment(one),
            f"{one.run} {REPORTED}" if one.run in reporters else one.run,
            one_line(one.release, _REASON_WIDTH),
            _marked(one.image_id, before.image_id if before else one.image_id),
            _marked(one.fingerprint, before.fingerprint if before else one.fingerprint),
            _marked(one.probes_digest, before.probes_digest if before else one.probes_digest),
            str(one.retries or ""),
        )


def _marked(now: str, before: str) -> str:
    return f"{clean(short(now))}{'*' if now != before else ''}"


def _moment(past: Past) -> str:
    return f"{past.finished_at:%Y-%m-%d %H:%M}"
