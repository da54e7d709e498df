"""Our pages of documentation, taken apart: what can be run, what is named, where links lead.

Two languages of code blocks are about commands. ``console``: lines that begin with ``$`` are run,
in order, one shell for a page, and must end with 0 or what a comment says (``# exits 1``). ``sh``:
only what they name must exist. A block whose first line is a comment with a path is that file:
written anew when it is Python or a Dockerfile, added to the file when it is TOML.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
HOWTO = (ROOT / "README.md", *sorted((ROOT / "docs/howto").glob("*.md")))
PAGES = (*HOWTO, *sorted({*(ROOT / "docs").rglob("*.md")} - set(HOWTO)))

EXITS = re.compile(r"\s#\s*exits (\d+)")
COMMENT = re.compile(r"\s#\s.*$")
FILE = re.compile(r"# ([\w./-]+(?:\.(?:toml|py)|/Dockerfile))")
#: Where one command ends and the next one begins, near enough for what documentation says.
JOINTS = re.compile(r"&&|\|\||;|\||\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One fenced block of code."""

    language: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that a reader of a page does."""

    #: Shell code.
    code: str
    exit_code: int = 0


def page_name(page: Path) -> str:
    """As it is called in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block, in order."""
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            yield Block(language=token.info.strip(), text=token.content)


def steps(page: Path) -> Iterator[Step]:
    """What is run when somebody follows the page."""
    for block in blocks(page):
        file = FILE.fullmatch(block.text.partition("\n")[0])
        if file:
            arrow = ">>" if block.language == "toml" else ">"
            yield Step(code=f"cat {arrow} {file[1]} <<'END OF FILE'\n{block.text}END OF FILE")
        elif block.language == "console":
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    code = EXITS.search(line)
                    yield Step(
                        code=COMMENT.sub("", line[2:]), exit_code=int(code[1]) if code else 0
                    )


def file_lines(page: Path) -> int:
    """Lines of the files that a reader of the page writes, without the paths above them."""
    texts = (block.text for block in blocks(page))
    return sum(text.count("\n") - 1 for text in texts if FILE.fullmatch(text.partition("\n")[0]))


def named_commands(page: Path, program: str) -> Iterator[str]:
    """Every command line of *program* that the page names, in blocks and in running text."""
    for text in _code(page):
        for part in JOINTS.split(text.replace("\\\n", " ")):
            line = COMMENT.sub("", part.strip().removeprefix("$ "))
            if line.split()[:1] == [program]:
                yield line


def _code(page: Path) -> Iterator[str]:
    for block in blocks(page):
        if block.language in ("sh", "console"):
            yield block.text
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        yield from (child.content for child in token.children or () if child.type == "code_inline")


def links(page: Path) -> Iterator[str]:
    """Where the page links to, but for other sites."""
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            target = child.attrGet("href") if child.type == "link_open" else None
            if target and "://" not in str(target):
                yield str(target)


def anchors(page: Path) -> set[str]:
    """What can be linked to in the page: its headings, as forges write them."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    heads = [
        after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
