"""docs/reference/tests.md from the JUnit files of `make test-full`, one for each of its parts."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/tests.md"
SLOWEST = 20
#: Child of a test case → what became of it; none of them: passed.
ENDINGS = {"failure": "failed", "error": "error", "skipped": "skipped"}
COLUMNS = ("passed", "failed", "error", "skipped")
HEAD = """\
# The last result of `make test-full`

Made by `make test-full`; do not edit.

{result}: {counts}, {minutes:.0f} minutes of tests.

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


def page(sources: Mapping[str, str]) -> str:
    """The whole page: name of a part → its JUnit file, which says of what commit it is."""
    found = [case for source in sources.values() for case in cases(source)]
    suites = {
        name: next(ElementTree.fromstring(source).iter("testsuite"))
        for name, source in sources.items()
    }
    counts = Counter(case.ending for case in found)
    good = bool(found) and not counts["failed"] and not counts["error"]
    head = HEAD.format(
        result="**All is well**" if good else "**Not all is well**",
        counts=", ".join(f"{counts[column]} {column}" for column in COLUMNS),
        minutes=sum(map(_minutes, suites.values())),
    )
    slowest = sorted(found, key=lambda case: -case.seconds)[:SLOWEST]
    parts = [
        head,
        _table(
            ("part", "tests", "minutes", "began", "commit"),
            [_part(name, suite) for name, suite in suites.items()],
        ),
        _table(("folder", *COLUMNS, "seconds"), list(_folders(found))),
        *_chapter("Failed", [case for case in found if case.ending in ("failed", "error")]),
        *_chapter("Skipped", [case for case in found if case.ending == "skipped"]),
        "## Slowest\n\n",
        _table(
            ("test", "seconds"), [(_code(case.name), f"{case.seconds:.1f}") for case in slowest]
        ),
    ]
    return "".join(parts).rstrip() + "\n"


def _part(name: str, suite: ElementTree.Element) -> tuple[str, ...]:
    said = {one.get("name"): one.get("value", "") for one in suite.iter("property")}
    began = suite.get("timestamp", "unknown")[:16].replace("T", " ")
    return name, suite.get("tests", "0"), f"{_minutes(suite):.0f}", began, said.get("commit", "")


def _minutes(suite: ElementTree.Element) -> float:
    return float(suite.get("time", "0")) / 60


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
    sources = {Path(file).stem: Path(file).read_text(encoding="utf-8") for file in sys.argv[1:]}
    PAGE.write_text(page(sources), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
