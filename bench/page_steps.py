"""The page in a browser: how soon it can be used, and how fast it filters.

Every step opens the page anew from its file, in headless Chromium, and ends when the next frame
after it is drawn.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from playwright.sync_api import Page, sync_playwright

from bench.big_grids import big_report
from matrix.report import render

#: Services and environments → most seconds until it can be used, and for a filter.
GRIDS = {(9, 7): (0.5, 0.3), (100, 100): (3.0, 0.3)}
QUERIES = ("status:failed kind:customer", "fails:one")
FRAME = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"
INTERACTIVE = f"""async () => {{ {FRAME}
    return performance.getEntriesByName("interactive")[0].startTime / 1000; }}"""
FILTER = f"""async (query) => {{
    const began = performance.now();
    matrix.state.amend({{ q: query }});
    {FRAME}
    return (performance.now() - began) / 1000; }}"""

Times = dict[str, list[float]]


class Notebook(Protocol):
    """Where measured times are kept."""

    def note(
        self, title: str, seconds: dict[str, list[float]], *, goals: dict[str, float] | None
    ) -> None:
        """Keep *seconds* by step; *goals* are most seconds."""


def measure_page(measured: Notebook, *, rounds: int = 5) -> dict[str, str]:
    """Both grids; no engine takes part."""
    for size in GRIDS:
        times, goals = in_browser(size, rounds)
        measured.note(f"The page of a grid of {size[0]} x {size[1]} cells", times, goals=goals)
    return {}


def in_browser(size: tuple[int, int], rounds: int) -> tuple[Times, dict[str, float]]:
    """Seconds of each step with a grid of *size*, and the goals of those that have one."""
    services, environments = size
    ready, filtered = GRIDS[size]
    times: Times = {}
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        report = big_report(services=services, environments=environments)
        began = time.perf_counter()
        page.write_text(render("html", report), encoding="utf-8")
        times["written"] = [time.perf_counter() - began]
        for _ in range(rounds):
            with opened(page) as shown:
                times.setdefault("can be used", []).append(shown.evaluate(INTERACTIVE))
                for query in QUERIES:
                    times.setdefault(query, []).append(shown.evaluate(FILTER, query))
                times.setdefault("all shown again", []).append(shown.evaluate(FILTER, ""))
    return times, {"can be used": ready, **dict.fromkeys(QUERIES, filtered)}


@contextmanager
def opened(path: Path) -> Iterator[Page]:
    """The page at *path* in a browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(path.as_uri())
        yield page
        browser.close()
