"""What every store promises about kits and what comes back from them, over every row of STORES."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from matrix.core.errors import Refused
from matrix.core.kits import Import, IssuedKit
from matrix.core.model import CellId
from matrix.core.result import (
    Attempt,
    CellResult,
    EnvironmentFinding,
    HostFinding,
    Reporter,
    Run,
    RunState,
)
from matrix.core.store_ports import Store
from matrix.core.verdict import Verdict
from matrix.store import STORES, open_store

SECRET = "hunter2hunter2"
#: Scheme → where the tests have theirs; a new row of STORES needs one here.
PLACES = {"memory": "memory://", "sqlite": "{folder}/state/store.db"}
NOW = datetime(2026, 11, 22, 17, 5, 12, 345678, tzinfo=UTC)
QUEUE = CellId(service="queue", environment="acme")
KIT = IssuedKit(
    nonce="a" * 64,
    customer="acme",
    built_at=NOW,
    expires_at=NOW + timedelta(days=30),
    digest="b" * 64,
    policy="d" * 64,
    images={"queue": "sha256:image"},
    probes={"queue": "sha256:probes"},
)
ACME = Reporter(name="acme", key="SHA256:key")
BACK = Import(nonce=KIT.nonce, sha256="c" * 64, run="run1", imported_at=NOW + timedelta(days=2))


@pytest.fixture(params=sorted(PLACES))
def store(request, tmp_path) -> Iterator[Store]:
    opened = open_store(PLACES[request.param].format(folder=tmp_path), secrets=[SECRET])
    yield opened
    opened.close()


def a_run(name: str = "run1", *, text: str = "fine") -> Run:
    attempt = Attempt(
        number=1, host="here", verdict=Verdict.PASSED, logs={"": text}, started_at=NOW, seconds=1.0
    )
    host = HostFinding(host="here", facts={"cpus": 2}, fingerprint="f")
    return Run(
        id=name,
        state=RunState.FINISHED,
        started_at=NOW,
        finished_at=NOW + timedelta(minutes=1),
        by="acme",
        plan_digest="d",
        cells=(QUEUE,),
        results=(
            CellResult(cell=QUEUE, verdict=Verdict.PASSED, attempts=(attempt,), finished_at=NOW),
        ),
        findings=(EnvironmentFinding(environment="acme", hosts=(host,)),),
        version="1",
        reporter=ACME,
    )


def test_every_store_is_asked():
    assert sorted(PLACES) == sorted(STORES)


def test_a_kit_comes_back_as_it_was_and_another_nonce_is_nobodys(store):
    store.record_kit(KIT)
    store.record_kit(KIT)
    assert store.load_kit(KIT.nonce) == KIT
    assert store.load_kit("d" * 64) is None


def test_an_import_is_a_run_with_all_that_is_in_it(store):
    store.record_kit(KIT)
    assert store.load_import(KIT.nonce) is None
    assert store.record_import(KIT, BACK, a_run()) == BACK
    assert store.load_import(KIT.nonce) == BACK
    assert store.load("run1") == a_run()
    assert store.newest_whole_cells()[QUEUE] == ("run1", a_run().results[0])
    assert store.newest_findings()["acme"] == a_run().findings[0]


def test_an_import_brings_the_record_of_its_kit(store):
    store.record_import(KIT, BACK, a_run())
    assert store.load_kit(KIT.nonce) == KIT


def test_the_same_bytes_again_change_nothing(store):
    store.record_import(KIT, BACK, a_run())
    again = replace(BACK, run="run2", imported_at=NOW + timedelta(days=3))
    assert store.record_import(KIT, again, a_run("run2")) == BACK
    assert [run.id for run in store.heads(9)] == ["run1"]


def test_other_bytes_of_the_same_kit_are_refused_and_change_nothing(store):
    store.record_import(KIT, BACK, a_run())
    other = replace(BACK, run="run2", sha256="e" * 64)
    with pytest.raises(Refused, match="another result of this kit was imported on 2026-11-24"):
        store.record_import(KIT, other, a_run("run2"))
    assert store.load_import(KIT.nonce) == BACK
    assert [run.id for run in store.heads(9)] == ["run1"]


def test_it_is_known_whose_word_a_run_is_and_ours_is_nobodys(store):
    store.record_import(KIT, BACK, a_run())
    store.begin(replace(a_run("run2"), reporter=None, results=(), findings=()))
    assert store.reporters() == {"run1": ACME}
    assert store.head("run1").reporter == ACME
    assert store.head("run2").reporter is None


def test_a_run_can_be_begun_that_is_somebody_elses_word(store):
    store.begin(a_run())
    assert store.reporters() == {"run1": ACME}
    assert store.load("run1").reporter == ACME


def test_what_comes_back_is_made_harmless(store):
    store.record_import(KIT, BACK, a_run(text=f"\x1b]0;x\x07 {SECRET}"))
    (attempt,) = store.load_cell("run1", QUEUE).attempts
    assert SECRET not in attempt.logs[""]
    assert "\x1b" not in attempt.logs[""]
