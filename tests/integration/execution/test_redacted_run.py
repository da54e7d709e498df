"""A run as a kit makes it, of a service that tells every secret there is."""

import json
import re
import zlib
from base64 import b64decode
from functools import partial
from pathlib import Path

import pytest
from builders.canaries import PROBES, canaries, found_in, watched_processes
from builders.trials import Trial

from matrix.app import Outcome
from matrix.cli.progress import shown_with_probes
from matrix.cli.redacting import redact_output, restored_output
from matrix.core.result import CellResult
from matrix.core.verdict import Verdict
from matrix.execution.toolbox import Halt
from matrix.preflight import run_kit
from matrix.redacting import RedactionWish, open_redactor
from matrix.report import RENDERERS, render
from matrix.site import open_project, opened

pytestmark = pytest.mark.engine

SECRETS = canaries(seed=5)
#: Given to the service by whoever sends the kit, in the customer's own environment, in a file.
OF_SERVICE, OF_PROCESS, OF_CUSTOMER = SECRETS[:10], SECRETS[10:20], SECRETS[20:]


@pytest.fixture(scope="module")
def trial(tmp_path_factory) -> Trial:
    folder = tmp_path_factory.mktemp("leaky")
    (folder / "all").write_text("\n".join(SECRETS), encoding="utf-8")
    (folder / "words").write_text("\n".join(OF_CUSTOMER), encoding="utf-8")
    made = Trial(folder)
    environment = {f"SERVICE_PASSWORD_{at}": one for at, one in enumerate(OF_SERVICE)}
    made.add("leaky", PROBES.format(file=str(folder / "all")), environment=environment)
    made.place("acme", {"name": "here", "connection": "local"}, kind="customer")
    made.write()
    return made


@pytest.fixture(scope="module")
def told(trial: Trial) -> dict[str, object]:
    """Everything that the run has told: place → text; and its outcome."""
    with pytest.MonkeyPatch.context() as patch, restored_output():
        for at, secret in enumerate(OF_PROCESS):
            patch.setenv(f"CUSTOMER_TOKEN_{at}", secret)
        return _run(trial)


def _run(trial: Trial) -> dict[str, object]:
    key, words = trial.folder / "key", trial.folder / "words"
    redactor = open_redactor(RedactionWish(key_file=key, files=(words,)))
    project = open_project(trial.folder)
    said = (trial.folder / "said").open("w+", encoding="utf-8")
    with (
        said,
        pytest.MonkeyPatch.context() as patch,
        opened(project) as site,
        watched_processes(SECRETS) as seen,
    ):
        patch.setattr("sys.stderr", said)
        redact_output(redactor)
        show = partial(shown_with_probes, project)
        _, outcome, _ = run_kit(site, ("leaky",), show=show, halt=Halt(), redactor=redactor)
        ((_, cell),) = site.store.newest_whole_cells().values()
        terminal = (trial.folder / "said").read_text(encoding="utf-8")
    return {"outcome": outcome, "cell": cell, "processes": seen, "terminal": terminal}


def _texts(told: dict[str, object], state: Path) -> dict[str, str]:
    outcome = told["outcome"]
    assert isinstance(outcome, Outcome)
    reports = {name: render(name, outcome.report) for name in RENDERERS}
    evidence = re.search(r'id="evidence-data">(.*?)</script>', reports["html"])
    assert evidence
    packed = json.loads(evidence[1]).values()
    unpacked = "\n".join(zlib.decompress(b64decode(one)).decode() for one in packed)
    store = (state / "store.sqlite").read_bytes().decode("utf-8", "replace")
    return {
        **reports,
        "evidence": unpacked,
        "store": store + repr(told["cell"]),
        "terminal": str(told["terminal"]),
    }


def test_no_secret_is_in_anything_that_is_written_or_shown(trial: Trial, told):
    texts = _texts(told, trial.folder / ".matrix")
    leaks = {place: found_in(text, SECRETS) for place, text in texts.items()}
    assert {place: leak for place, leak in leaks.items() if leak} == {}
    for place in ("html", "json", "store", "terminal", "text"):
        assert "[redacted]" in texts[place], place


def test_no_secret_is_in_the_list_of_processes(told):
    assert told["processes"] == []


def test_what_was_found_is_what_would_have_been_found(told):
    cell = told["cell"]
    assert isinstance(cell, CellResult)
    (attempt,) = cell.attempts
    assert {one.id for one in attempt.probes} == set(attempt.planned)
    failing = {one.id.partition("::")[2] for one in attempt.probes if one.verdict != Verdict.PASSED}
    assert cell.verdict is Verdict.FAILED
    assert failing == {
        *(f"test_an_exception[{kind}]" for kind in range(6)),
        *(f"test_a_message[{number}]" for number in range(4)),
        "test_a_long_text_that_is_cut",
    }


def test_how_much_was_taken_out_is_told(told):
    report = told["outcome"].report
    counts = {(one.where, one.kind): one.count for one in report.redacted}
    # Forty secrets in six encodings, four times each, and what the commands say themselves.
    assert counts["leaky@acme", "secret"] > 20 * 6 * 4
    assert counts["leaky@acme", "chosen"] > 20 * 6 * 4
    assert counts["acme", "name"] >= 1
    assert "leaky@acme: " in render("text", report)
    assert "Taken out before anything was written" in render("html", report)


def test_the_evidence_can_still_be_read(told):
    (attempt,) = told["cell"].attempts
    output = next(one for one in attempt.probes if "urls" in one.id).commands
    assert any(
        "https://[redacted]@registry.example/v2?token=" in one.result.command for one in output
    )
