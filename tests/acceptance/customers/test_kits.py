"""A kit on a machine that has nothing of ours, as a customer's administrator meets it."""

import random
import subprocess
import zipfile
from pathlib import Path

import pytest
from builders.containers import docker
from builders.customers import Customer, Sender

pytestmark = pytest.mark.engine

DAMAGED = "damaged or was changed"
FLIPS = 40


def ours() -> tuple[str, ...]:
    """What is left of the kit's one cell on this machine's engine, which others may use too."""
    label = "label=io.compat-matrix.cell=tiny@acme"
    return tuple(
        docker(*words, "-q", "--filter", label)
        for words in (("ps", "-a"), ("network", "ls"), ("volume", "ls"))
    )


def test_openssh_alone_tells_whose_kit_it_is(sender: Sender, tmp_path: Path):
    (tmp_path / "signers").write_text(f"sender {sender.public_key}\n")
    verify = ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "signers", "-I", "sender"]
    verify += ["-n", "file", "-s", sender.kit.with_name("acme.matrix.sig")]
    with sender.kit.open("rb") as kit:
        done = subprocess.run(verify, stdin=kit, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_facts_only_starts_nothing_and_says_what_it_is(sender: Sender, customer: Customer):
    done = customer.run("sh", sender.kit, "preflight", "--facts-only")
    assert done.returncode == 0, done.stderr
    assert "tiny: this machine has what it asks" in done.stdout
    for promise in ("these services work on this machine: tiny", "It uses no network", "removes"):
        assert promise in done.stderr
    assert sorted(path.name for path in customer.folder.iterdir()) == ["tmp"]


@pytest.mark.parametrize("program", ["sh", "python3"])
def test_a_kit_measures_cleans_up_and_leaves_a_report(
    sender: Sender, customer: Customer, program: str
):
    before = ours()
    done = customer.run(program, sender.kit, "preflight", "--yes")
    assert done.returncode == 0, done.stderr
    assert "1 passed" in done.stdout
    assert "<html" in (customer.folder / "report.html").read_text()[:200]
    assert list(customer.temporary.iterdir()) == []
    assert ours() == before


def test_no_kit_runs_of_which_one_byte_is_another(sender: Sender, customer: Customer):
    whole = sender.kit.read_bytes()
    changed = customer.folder / "changed.matrix"
    chance = random.Random(5)
    with zipfile.ZipFile(sender.kit) as archive:
        first = min(entry.header_offset for entry in archive.infolist())
    for at in (len(whole) - 1, first, *(chance.randrange(first, len(whole)) for _ in range(FLIPS))):
        changed.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        done = customer.run("sh", changed, "preflight", "--facts-only")
        assert (done.returncode, DAMAGED in done.stderr) == (6, True), (at, done.stderr)
    assert list(customer.temporary.iterdir()) == []


def test_a_kit_that_is_cut_short_does_not_run(sender: Sender, customer: Customer):
    short = customer.folder / "short.matrix"
    short.write_bytes(sender.kit.read_bytes()[:-1000])
    assert customer.run("sh", short, "preflight", "--yes").returncode == 6
    assert customer.run("python3", short, "preflight", "--yes").returncode != 0
    assert not (customer.folder / "report.html").exists()


def test_an_old_python_is_told_what_is_needed(sender: Sender, customer: Customer):
    done = customer.run("sh", sender.kit, "preflight", "--yes", MATRIX_PYTHON="no-such-python")
    assert done.returncode == 2, done.stderr
    assert "CPython 3.11, 3.12 or 3.13" in done.stderr
