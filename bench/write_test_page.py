"""docs/reference/tests.md from the JUnit files of `make test-full`, one for each of its parts."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bench.machine import commit

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/tests.md"
SLOWEST = 20
#: Child of a test case → what became of it; none of them: passed.
ENDINGS = {"failure": "failed", "error": "error", "skipped": "skipped"}
COLUMNS = ("passed", "failed", "error", "skipped")
HEAD = """\
# The last result of `make test-full`

Made by `make test-full`; do not edit.

{result}: {counts}, in {minutes:.0f} minutes.
Date {date}, commit {commit}.

"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One test and what became of it."""

    #: Folder, as in ``tests/unit``.
    folder: str
    name: str
    #: One of COLUMNS.
    ending: str
    #: Why it was skipped, or what failed, in one line.
    message: str
    seconds: float


def cases(source: str) -> list[Case]:
    """The tests of a JUnit file as pytest writes it."""
    return [_case(element) for element in ElementTree.fromstring(source).iter("testcase")]


def page(sources: Sequence[str], *, commit: str) -> str:
    """The whole page for the contents of JUnit files, the part that began first at the front."""
    found = [case for source in sources for case in cases(source)]
    suites = [next(ElementTree.fromstring(source).iter("testsuite")) for source in sources]
    counts = Counter(case.ending for case in found)
    good = bool(found) and not counts["failed"] and not counts["error"]
    head = HEAD.format(
        result="**All is well**" if good else "**Not all is well**",
        counts=", ".join(f"{counts[column]} {column}" for column in COLUMNS),
        minutes=sum(float(suite.get("time", "0")) for suite in suites) / 60,
        date=suites[0].get("timestamp", "unknown")[:16].replace("T", " "),
        commit=commit,
    )
    slowest = sorted(found, key=lambda case: -case.seconds)[:SLOWEST]
    parts = [
        head,
        _table(("folder", *COLUMNS, "seconds"), list(_folders(found))),
        *_chapter("Failed", [case for case in found if case.ending in ("failed", "error")]),
        *_chapter("Skipped", [case for case in found if case.ending == "skipped"]),
        "## Slowest\n\n",
        _table(
            ("test", "seconds"), [(_code(case.name), f"{case.seconds:.1f}") for case in slowest]
        ),
    ]
    return "".join(parts).rstrip() + "\n"


def _case(element: ElementTree.Element) -> Case:
    places = element.get("classname", "").split(".")
    said = next((child for child in element if child.tag in ENDINGS), None)
    message = "" if said is None else said.get("message", "") or said.text or ""
    return Case(
        folder="/".join(places[:2]),
        name=f"{'/'.join(places)}::{element.get('name', '')}",
        ending="passed" if said is None else ENDINGS[said.tag],
        message=" ".join(message.split())[:200],
        seconds=float(element.get("time", "0")),
    )


def _folders(found: Sequence[Case]) -> Iterator[tuple[str, ...]]:
    for folder in sorted({case.folder for case in found}):
        mine = [case for case in found if case.folder == folder]
        counts = Counter(case.ending for case in mine)
        seconds = sum(case.seconds for case in mine)
        yield folder, *(str(counts[column]) for column in COLUMNS), f"{seconds:.0f}"


def _chapter(title: str, found: Sequence[Case]) -> Iterator[str]:
    if found:
        yield f"## {title}\n\n"
        yield _table(("test", "why"), [(_code(case.name), _code(case.message)) for case in found])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def _code(text: str) -> str:
    """*text* as it is, in a cell of a table: no mark-up in it counts."""
    harmless = text.replace("`", "'").replace("|", "\\|").replace("\n", " ")
    return f"`{harmless}`" if harmless else ""


def main() -> None:
    sources = [Path(file).read_text(encoding="utf-8") for file in sys.argv[1:]]
    PAGE.write_text(page(sources, commit=commit(ROOT)), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
