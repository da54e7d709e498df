"""What the page tells to type is what the command understands, and what it says the gate says."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders.seeded import NO_ENGINE, PROBE, a_result, keep
from playwright.sync_api import expect

from matrix.cli import execute
from matrix.core.verdict import Verdict
from matrix.loading import load_project

SERVICES = ("queue", "queue-2", "website")
PLACES = ("qa", "qa-2")
FAILING = "hello@local"
IMAGE = "reference = 'registry.test/one@sha256:" + "0" * 64 + "'"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose names are parts of each other, with nothing measured yet."""
    root = tmp_path_factory.mktemp("project")
    (root / "probes").mkdir()
    (root / "probes/test_all.py").write_text('def test_it(host):\n    """It works."""\n')
    (root / "matrix.toml").write_text(
        'name = "shop"\ncatalogue = "catalogue.toml"\ninventories = ["inventory.toml"]\n'
        'outside_probes = "probes"\n'
    )
    services = "".join(f'[services.{name}]\nimage = "one"\n' for name in SERVICES)
    (root / "catalogue.toml").write_text(f"[images.one]\n{IMAGE}\n{services}")
    (root / "inventory.toml").write_text(
        "".join(
            f'[environments.{name}]\nkind = "qa"\nengine = "docker"\n'
            f'[[environments.{name}.hosts]]\nname = "here"\nconnection = "local"\n'
            for name in PLACES
        )
    )
    return root


def matrix(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "matrix", *words, "-C", str(project)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def written(project: Path, pages: dict[str, Path]) -> str:
    """The name of the project's page, among those that can be opened."""
    pages["project"] = project / "report.html"
    done = matrix(project, "report", "--format", "html", "-o", str(pages["project"]))
    assert done.returncode == 0, done.stderr
    return "project"


def test_a3_what_was_never_measured_is_unknown_to_page_and_gate(
    open_page: Callable, written: str, project: Path
) -> None:
    page = open_page(written).page
    assert page.locator("h1").inner_text().split() == ["?", "Gate", "INCOMPLETE"]
    assert page.locator(".tile .glyph").all_inner_texts() == ["?"] * 6
    assert matrix(project, "gate").returncode == 4


def test_a9_the_copied_command_selects_exactly_that_cell(
    open_page: Callable, written: str, project: Path
) -> None:
    page = open_page(written, permissions=["clipboard-read", "clipboard-write"]).page
    page.locator('.tile[href="#cell=queue@qa"]').focus()
    page.keyboard.press("c")
    expect(page.locator(".shown")).to_have_text("Copied: matrix run -s queue -e qa")
    program, verb, *arguments = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert (program, verb) == ("matrix", "run")
    planned = json.loads(matrix(project, "plan", *arguments, "--json").stdout)
    assert [cell["cell"] for cell in planned["cells"]] == ["queue@qa"]


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose only cell is FAILED."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATRIX_BUILD_SOCKET", NO_ENGINE)
    assert execute(["init", "."]) == 0
    keep(tmp_path, [a_result(load_project(tmp_path), FAILING, Verdict.FAILED, message="no")])
    return tmp_path


@pytest.mark.parametrize(
    ("days", "decided"),
    [(1, ("OPEN", 0, "waived", "used")), (-1, ("CLOSED", 1, "1/1", "expired"))],
    ids=["valid", "expired yesterday"],
)
def test_a19_the_page_shows_a_waiver_as_the_gate_took_it(
    open_page: Callable, pages: dict[str, Path], failing: Path, days: int, decided: tuple
) -> None:
    door, code, shown, state = decided
    today = datetime.now(UTC).date()
    tomorrow, until = f"{today + timedelta(days=1)}", f"{today + timedelta(days=days)}"
    waiver = ["--reason", "the vendor knows", "--owner", "anna", "--until", tomorrow]
    assert execute(["waive", "add", FAILING, PROBE, *waiver]) == 0
    policy = failing / "policy.toml"
    policy.write_text(policy.read_text().replace(tomorrow, until))
    pages["waived"] = failing / "report.html"
    assert execute(["report", "--format", "html", "-o", str(pages["waived"])]) == 0
    assert execute(["gate"]) == code
    page = open_page("waived", f"#cell={FAILING}").page
    assert page.locator("h1").inner_text().split()[-1] == door
    tile = page.locator(".tile")
    assert tile.locator(".vh").inner_text().endswith(": FAILED")
    assert tile.locator(".short").inner_text() == shown
    told = page.locator(".reasons").all_inner_texts()
    assert any(FAILING in one and until in one and "the vendor knows" in one for one in told)
    assert f"waiver, {state}" in page.locator("#panel[data-ready] .waiver").inner_text()
