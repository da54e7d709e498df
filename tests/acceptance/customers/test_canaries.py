"""A kit of a service that tells every secret there is, run where there are forty."""

import base64
import gzip
import json
import re
import subprocess
import zlib
from pathlib import Path

import pytest
from builders.canaries import PROBES, canaries, found_in, watched_processes
from builders.customers import Customer, Sender
from builders.trials import Trial

pytestmark = [pytest.mark.engine, pytest.mark.full]

SECRETS = canaries(seed=11)
OF_SERVICE, OF_PROCESS, OF_CUSTOMER = SECRETS[:10], SECRETS[10:20], SECRETS[20:]


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Sender:
    """Who sends the kit knows the secrets of the service, and where the others are."""
    folder = tmp_path_factory.mktemp("leaky-sender")
    (folder / "all").write_text("\n".join(SECRETS), encoding="utf-8")
    trial = Trial(folder)
    environment = {f"SERVICE_PASSWORD_{at}": one for at, one in enumerate(OF_SERVICE)}
    trial.add("tiny", PROBES.format(file=str(folder / "all")), environment=environment)
    trial.place("acme", {"name": "here", "connection": "local"}, kind="customer", title="Acme")
    trial.write()
    made = Sender(trial=trial, key=folder / "key", kit=folder / "acme.matrix")
    made.build(made.kit)
    return made


def unpacked(folder: Path) -> dict[str, str]:
    """Everything below *folder*, with what is packed in it: file → text."""
    texts = {
        str(file.relative_to(folder)): file.read_bytes().decode("utf-8", "replace")
        for file in folder.rglob("*")
        if file.is_file() and file.name not in ("words", "id_ed25519")
    }
    evidence = re.search(r'id="evidence-data">(.*?)</script>', texts["report.html"])
    assert evidence
    for cell, packed in json.loads(evidence[1]).items():
        texts[f"evidence of {cell}"] = zlib.decompress(base64.b64decode(packed)).decode()
    (result,) = folder.glob("*-result.matrix")
    statement = base64.b64decode(json.loads(result.read_bytes())["payload"]).decode()
    content = json.loads(statement)["predicate"]["evidence"]["content"]
    texts["statement"] = statement
    texts["report in the result"] = gzip.decompress(base64.b64decode(content)).decode()
    return texts


def test_no_secret_is_in_what_a_kit_leaves_says_or_starts(leaky: Sender, customer: Customer):
    words, key = customer.folder / "words", customer.folder / "id_ed25519"
    words.write_text("\n".join(OF_CUSTOMER), encoding="utf-8")
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, capture_output=True
    )
    planted = {f"CUSTOMER_TOKEN_{at}": secret for at, secret in enumerate(OF_PROCESS)}
    options = ["--yes", "--redact-file", "words", "--key", "id_ed25519"]
    with watched_processes(SECRETS, runner="--kit-folder") as seen:
        done = customer.run("sh", leaky.kit, "preflight", *options, **planted)
    assert done.returncode == 1, done.stderr
    texts = {**unpacked(customer.folder), "stdout": done.stdout, "stderr": done.stderr}
    leaks = {place: found_in(text, SECRETS) for place, text in texts.items()}
    assert {place: leak for place, leak in leaks.items() if leak} == {}
    assert seen == []
    assert "taken out before anything was written:" in done.stdout
    removed = json.loads(texts["statement"])["predicate"]["redacted"]
    assert {"secret", "chosen"} <= {one["kind"] for one in removed}
    assert (customer.folder / ".local/state/compat-matrix/redaction.key").stat().st_mode & 0o77 == 0


def test_all_of_it_can_be_read_before_it_is_sent(leaky: Sender, customer: Customer):
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", customer.folder / "id"],
        check=True,
        capture_output=True,
    )
    assert customer.run("sh", leaky.kit, "preflight", "--yes", "--key", "id").returncode == 1
    shown = customer.run("sh", leaky.kit, "preflight", "--show")
    assert shown.returncode == 0, shown.stderr
    for part in ("THE ENVELOPE", "THE STATEMENT", "THE REPORT"):
        assert part in shown.stdout
    assert "test_an_exception[0]" in shown.stdout
