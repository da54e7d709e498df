"""From a kit to the customer's column: built, run on this machine, signed, sent back, taken in."""

import json
import subprocess
from pathlib import Path

import pytest
from builders.customers import Customer, Sender

pytestmark = pytest.mark.engine

ALLOWED = 'acme namespaces="result@compat-matrix" {key}\n'
RESULT = "acme-result.matrix"


def new_key(file: Path) -> str:
    """Make a key as an administrator does; returns its public line."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file]
    subprocess.run(argv, check=True, capture_output=True)
    return " ".join(file.with_suffix(".pub").read_text().split()[:2])


def fingerprint(file: Path) -> str:
    argv = ["ssh-keygen", "-lf", file.with_suffix(".pub")]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return said.split()[1]


def test_what_a_kit_finds_comes_back_as_the_customers_own_word(sender: Sender, customer: Customer):
    home = customer.folder / ".ssh"
    home.mkdir()
    public, mark = new_key(home / "id_ed25519"), fingerprint(home / "id_ed25519")
    done = customer.run("sh", sender.kit, "preflight", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"the result will be signed with {mark}" in done.stderr
    result = customer.folder / RESULT
    assert (customer.folder / "report.html").exists()

    stranger = sender.matrix("bundle", "import", result)
    assert stranger.returncode == 6, stranger.stderr
    assert "nobody's signature counts here yet" in stranger.stderr
    allowed = sender.trial.folder / "keys" / "allowed_signers"
    allowed.parent.mkdir(exist_ok=True)
    allowed.write_text(ALLOWED.format(key=public))

    taken = sender.matrix("bundle", "import", result, "--json")
    assert taken.returncode == 0, taken.stderr
    found = json.loads(taken.stdout)
    assert (found["reported_by"], found["key"], found["known"]) == ("acme", mark, False)
    assert found["cells"] == {"tiny@acme": "PASSED"}
    again = sender.matrix("bundle", "import", result)
    assert again.returncode == 0
    assert "was imported before" in again.stderr

    text = sender.matrix("report")
    assert f"» self-reported by acme, not measured by us: tiny@acme (signed with {mark[:7]}" in (
        text.stdout
    )
    assert "tiny@acme: self-reported by acme, not measured by us" in text.stdout
    cell = json.loads(sender.matrix("report", "--json").stdout)["cells"][0]
    assert (cell["verdict"], cell["reported_by"], cell["reported_key"]) == ("PASSED", "acme", mark)
    page = sender.matrix("report", "--format", "html").stdout
    assert "data-reported" in page
    assert 'class="reported"' in page

    history = sender.matrix("history", "tiny@acme").stdout
    assert f"{found['run']} »" in history
    assert f"» self-reported by acme (signed with {mark}), not measured by us" in history
    store = sender.trial.folder / ".matrix" / "store.sqlite"
    written = customer.folder / "report.json"
    written.write_text(sender.matrix("report", "--json").stdout)
    for part in (store, written):
        (merged,) = json.loads(sender.matrix("merge", part, "--json").stdout)["cells"]
        assert (merged["verdict"], merged["reported_by"]) == ("PASSED", "acme"), part

    changed = result.with_name("changed.matrix")
    changed.write_bytes(result.read_bytes().replace(b'"payload": "ey', b'"payload": "eX'))
    refused = sender.matrix("bundle", "import", changed)
    assert refused.returncode == 6, refused.stderr
    assert "does not belong to this content" in refused.stderr


@pytest.mark.full
def test_who_has_no_key_is_told_before_and_after_how_to_get_a_result(
    sender: Sender, customer: Customer
):
    done = customer.run("sh", sender.kit, "preflight", "--yes")
    assert done.returncode == 0, done.stderr
    assert "there will be a report for you, but no result to send back" in done.stderr
    assert f"sh {sender.kit.name} preflight --key result_key" in done.stderr
    assert (customer.folder / "report.html").exists()
    assert not (customer.folder / RESULT).exists()
