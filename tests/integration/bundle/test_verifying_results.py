"""``matrix bundle verify`` over results: what an import would say, and nothing is changed."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders.results import MEASURED, NOW, Sent, a_kit, dump, take_in

from matrix.bundle.keyring import Keyring
from matrix.cli import execute
from matrix.core.store_ports import Store
from matrix.importing import Desk
from matrix.store import open_store
from matrix.verifying import verify_result

TODAY = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def look(store: Store, sent: Sent, database: Path, tmp_path: Path):
    """What is found out about bytes, and that the store is as before."""

    def at(data: bytes, *, ring: Keyring | None = None):
        file = tmp_path / "result.matrix"
        file.write_bytes(data)
        before = dump(database)
        found = verify_result(file, Desk(store=store, ring=ring or sent.ring(), kit=None, now=NOW))
        assert dump(database) == before
        return found

    return at


def test_a_good_result_holds_and_says_what_it_would_become(look, sent):
    findings, checked = look(sent.result())
    assert [(one.check, one.holds) for one in findings] == [("signature", True), ("result", True)]
    assert findings[0].says.startswith("signed by acme with SHA256:")
    assert "from the kit for acme of 2026-11-01" in findings[1].says
    assert [str(one.cell) for one in checked.run.results] == ["queue@acme", "api@acme"]
    assert checked.run.started_at == MEASURED


def test_a_result_by_a_revoked_key_is_refused_and_not_looked_into(look, sent):
    findings, checked = look(sent.result(), ring=sent.ring(sent.key))
    assert [(one.check, one.holds) for one in findings] == [("signature", False)]
    assert "is revoked" in findings[0].says
    assert checked is None


def test_a_well_signed_result_that_an_import_would_refuse_is_refused(look, sent):
    def forged(report: dict) -> None:
        report["cells"][0]["verdict"] = "FAILED"

    findings, checked = look(sent.with_changed_report(forged))
    assert [(one.check, one.holds) for one in findings] == [("signature", True), ("result", False)]
    assert checked is None


def test_a_result_from_a_kit_nobody_made_is_refused(look):
    stranger = Sent(kit=a_kit(nonce="b"))
    findings, _ = look(stranger.result(), ring=stranger.ring())
    assert findings[1].holds is False
    assert "never made" in findings[1].says


def test_a_result_that_was_imported_says_so(look, store, sent, tmp_path):
    data = sent.result()
    run = take_in(store, data, sent.ring(), tmp_path).run
    findings, checked = look(data)
    assert findings[1].says == f"these same bytes were imported before, as run {run}"
    assert checked.run is None


@pytest.fixture
def returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that made a kit for its one environment, and beside it what came back."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert execute(["init", "."]) == 0
    day = timedelta(days=1)
    kit = replace(a_kit("local"), built_at=TODAY - 3 * day, expires_at=TODAY + 3 * day)
    (folder / ".matrix").mkdir(exist_ok=True)
    with closing(open_store(folder / ".matrix/store.sqlite")) as store:
        store.record_kit(kit)
    sent = Sent(kit=kit)
    (tmp_path / "customer.pub").write_text(f"{sent.key.public} admin@customer\n")
    yesterday = f"{TODAY - day:%Y-%m-%d}T"
    report = json.dumps(sent.report()).replace(f"{MEASURED:%Y-%m-%d}T", yesterday)
    file = tmp_path / "local-result.matrix"
    file.write_bytes(sent.with_report(report.encode()))
    return file


def test_the_command_says_it_in_lines_and_as_data(returned, capsys):
    assert execute(["key", "allow", "local", "../customer.pub"]) == 0
    capsys.readouterr()
    assert execute(["bundle", "verify", str(returned)]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert lines[0].startswith("ok        signature  signed by local with SHA256:")
    assert lines[1].startswith("ok        result     from the kit for local of ")
    assert "self-reported by local" in told.out
    assert "✓ queue@local PASSED" in told.out
    assert "taken out before it was sent: 3 × name, 1 × secret" in told.out
    assert told.err == f"{returned} is verified\n"
    assert execute(["bundle", "verify", str(returned), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["verified"], data["result"]["customer"]) == (True, "local")
    assert data["result"]["cells"] == {"queue@local": "PASSED", "api@local": "PASSED"}
    assert execute(["bundle", "import", str(returned)]) == 0


def test_the_command_refuses_with_6_and_changes_nothing(returned, capsys):
    assert execute(["bundle", "verify", str(returned)]) == 6
    assert "which is not an allowed signer" in capsys.readouterr().out
    assert execute(["bundle", "verify", str(returned), "--signer", "../customer.pub"]) == 6
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("ok        signature  signed by customer.pub with ")
    assert told[1].startswith("REFUSED   result     this is from a kit that this project never")
    assert not Path("keys").exists()
