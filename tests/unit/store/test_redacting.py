"""Nothing gets into a store that may not leave the machine, and nothing else is changed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from matrix.core.model import CellId
from matrix.core.ports import Event
from matrix.core.redacted import redact_event
from matrix.core.redaction import Redactor
from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    CommandResult,
    EnvironmentFinding,
    Fault,
    HostFinding,
    Leftover,
    ProbeResult,
    Run,
    RunState,
    Side,
)
from matrix.core.store_ports import Intent, Store
from matrix.core.verdict import Verdict
from matrix.store import open_store
from matrix.store.redacting import PASSED_ON, RedactingStore

KEY = b"k" * 32
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CELL = CellId(service="queue", environment="acme")
SECRET = "hunter2hunter2"
TEXT = f"{SECRET} on db7 at 10.1.2.3"
PROBE = "queue/test_queue.py::test_hunter2hunter2[db7]"
#: What no run of a kit does; a store that redacts refuses it.
REFUSED = {"record_kit", "record_import"}


def redactor() -> Redactor:
    return Redactor(KEY, secrets=[SECRET, "assertion"], names=["db7"])


def probe(**changes: object) -> ProbeResult:
    output = CommandResult(
        command=f"echo {TEXT}",
        exit_status=1,
        stdout=TEXT.encode(),
        stderr=SECRET[:8].encode() + b"2.3 tail",
        stdout_bytes=len(TEXT),
        stderr_bytes=4000,
        seconds=0.1,
    )
    usual = {
        "id": PROBE,
        "side": Side.INSIDE,
        "title": TEXT,
        "verdict": Verdict.FAILED,
        "reason": "assertion",
        "message": TEXT,
        "detail": TEXT,
        "seconds": 1.0,
        "commands": (CommandRecord(side=Side.INSIDE, target="", result=output),),
        "output": TEXT,
    }
    return ProbeResult(**{**usual, **changes})  # type: ignore[arg-type]


def cell(**changes: object) -> CellResult:
    attempt = Attempt(
        number=1,
        host="here",
        verdict=Verdict.FAILED,
        reason="assertion",
        message=TEXT,
        probes=(probe(), probe(id=f"stray {SECRET}", reason=SECRET)),
        faults=(Fault(reason="assertion", message=TEXT),),
        planned=(PROBE,),
        image_id="sha256:" + "1" * 64,
        logs={"": TEXT},
        traceback=TEXT,
        started_at=NOW,
        seconds=2.0,
    )
    usual = {
        "cell": CELL,
        "verdict": Verdict.FAILED,
        "reason": "assertion",
        "message": TEXT,
        "attempts": (attempt,),
        "image_id": "sha256:" + "1" * 64,
        "fingerprint": "a" * 64,
        "finished_at": NOW,
    }
    return CellResult(**{**usual, **changes})  # type: ignore[arg-type]


def finding(**facts: object) -> EnvironmentFinding:
    host = HostFinding(
        host="here",
        facts={"hostname": "web9", "dns": "10.1.2.3", "cpus": 4, "engine.id": "AB:CD", **facts},  # type: ignore[dict-item]
        fingerprint="a" * 64,
        fault=Fault(reason="unreachable", message=TEXT),
        deviations=(TEXT,),
    )
    return EnvironmentFinding(environment="acme", hosts=(host,))


def run() -> Run:
    return Run(
        id="run1",
        state=RunState.RUNNING,
        started_at=NOW,
        by="dana@vm",
        plan_digest="d",
        cells=(CELL,),
        version="1",
    )


@pytest.fixture
def stores() -> tuple[RedactingStore, Store]:
    """One that redacts, and the plain one behind it."""
    plain = open_store("memory://")
    redacting = RedactingStore(plain, redactor())
    redacting.begin(run())
    return redacting, plain


def test_every_method_of_a_store_is_redacted_passed_on_or_refused():
    methods = {name for name in dir(Store) if not name.startswith("_")}
    redacted = {name for name in vars(RedactingStore) if not name.startswith("_")} - {"removed"}
    assert methods == redacted | PASSED_ON | REFUSED
    assert not PASSED_ON & redacted


def test_what_is_new_in_a_store_is_refused(stores):
    with pytest.raises(AttributeError, match="record_kit"):
        stores[0].record_kit(None)


def test_no_text_of_a_cell_gets_through(stores):
    redacting, plain = stores
    redacting.record_cell("run1", cell())
    kept = plain.load_cell("run1", CELL)
    assert kept is not None
    shown = repr(kept).replace(PROBE, "")
    for gone in (SECRET, "db7", "10.1.2.3", SECRET[:8], "a" * 64):
        assert gone not in shown
    assert "[redacted] on [host-" in kept.message


def test_what_was_found_stays_what_it_is(stores):
    redacting, plain = stores
    redacting.record_cell("run1", cell())
    kept, given = plain.load_cell("run1", CELL), cell()
    assert kept is not None
    (attempt,), (before,) = kept.attempts, given.attempts
    assert (kept.verdict, kept.reason, kept.image_id) == (
        given.verdict,
        "assertion",
        given.image_id,
    )
    assert (attempt.planned, attempt.image_id) == (before.planned, before.image_id)
    assert attempt.probes[0].id == PROBE
    assert [one.verdict for one in attempt.probes] == [one.verdict for one in before.probes]
    assert attempt.probes[1].reason == attempt.probes[1].id.removeprefix("stray ") == "[redacted]"
    assert attempt.probes[0].commands[0].result.truncated
    assert redacting.newest_cells().keys() == {CELL}


def test_halves_at_the_middle_that_was_not_kept_are_gone():
    whole = f"x {SECRET[:9]}{SECRET[5:]} y"
    middle = len(whole) - len(whole) // 2
    assert whole[:middle].endswith(SECRET[:9])
    kept = open_store("memory://")
    redacting = RedactingStore(kept, redactor())
    redacting.begin(run())
    output = replace(
        probe().commands[0].result, stdout=whole.encode(), stdout_bytes=10_000, stderr=b""
    )
    command = replace(probe().commands[0], result=output)
    attempt = replace(cell().attempts[0], probes=(probe(commands=(command,)),))
    redacting.record_cell("run1", cell(attempts=(attempt,)))
    found = kept.load_cell("run1", CELL)
    assert found is not None
    result = found.attempts[0].probes[0].commands[0].result
    assert result.stdout == b"x [redacted][redacted] y"
    assert result.truncated


def test_facts_that_name_the_machine_are_tokens_and_known_from_then_on(stores):
    redacting, plain = stores
    redacting.record_finding("run1", finding(dns_search="acme.example"))
    facts = plain.newest_findings()["acme"].hosts[0].facts
    assert facts["cpus"] == 4
    for name, kind in {"hostname": "host", "dns": "address", "engine.id": "engine"}.items():
        assert str(facts[name]).startswith(f"[{kind}-"), name
    redacting.record_cell("run1", cell(message="web9.acme.example says no to web9"))
    kept = plain.load_cell("run1", CELL)
    assert kept is not None
    assert "web9" not in kept.message
    assert kept.message.endswith(str(facts["hostname"]))


def test_a_cell_and_its_environment_keep_the_same_fingerprint(stores):
    redacting, plain = stores
    redacting.record_finding("run1", finding())
    redacting.record_cell("run1", cell())
    kept = plain.load_cell("run1", CELL)
    assert kept is not None
    (host,) = plain.newest_findings()["acme"].hosts
    assert kept.fingerprint == host.fingerprint != "a" * 64
    redacting.record_cell("run1", cell(fingerprint="+".join(("a" * 64, ""))))
    again = plain.load_cell("run1", CELL)
    assert again is not None
    assert again.fingerprint == f"{host.fingerprint}+"


def test_who_started_it_is_told_without_the_machine(stores):
    head = stores[1].head("run1")
    assert head is not None
    assert head.by.startswith("dana@[host-")


def test_the_journal_is_passed_on_as_it_is(stores):
    redacting, plain = stores
    intent = Intent(
        run="run1",
        cell=CELL,
        environment="acme",
        host="here",
        kind="container",
        name=f"mx-{SECRET}",
    )
    redacting.confirm(redacting.intend(intent), SECRET)
    assert [one for _, one in plain.open_entries()] == [replace(intent, id=SECRET)]


def test_leftovers_are_redacted(stores):
    redacting, plain = stores
    left = Leftover(environment="acme", host="here", kind="container", id="1", name=TEXT)
    redacting.finish("run1", state="finished", at=NOW, leftovers=[left])
    found = plain.load("run1")
    assert found is not None
    assert found.leftovers[0].name.startswith("[redacted] on [host-")


def test_what_was_taken_out_is_counted_by_place_and_an_answer_given_twice_once(stores):
    redacting, _ = stores
    redacting.record_finding("run1", finding())
    redacting.record_cell("run1", cell())
    redacting.record_cell("run1", cell(attempts=()))
    counts = {(one.where, one.kind): one.count for one in redacting.removed}
    assert counts["queue@acme", "secret"] == 2  # the reason, which stays, was counted too
    assert counts["queue@acme", "address"] == 1
    assert counts["acme", "name"] >= 2


def test_an_event_shows_no_more_than_is_written():
    event = Event(kind="cell", environment="acme", service="queue", text=TEXT, result=cell())
    shown = redact_event(event, redactor())
    assert SECRET not in repr(shown).replace(PROBE, "").replace(f"stray {SECRET}", "")
    assert shown.result is not None
    assert shown.result.verdict is Verdict.FAILED
    assert [one.seconds for one in shown.result.attempts] == [2.0]
