"""What every store promises about the proofs of probes, over every row of STORES."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from matrix.core.store_ports import Store
from matrix.core.vitality import Proof, Vitality
from matrix.store import STORES, open_store

SECRET = "hunter2hunter2"
#: Scheme → where the tests have theirs; a new row of STORES needs one here.
PLACES = {"memory": "memory://", "sqlite": "{folder}/state/store.db"}
FOUND = Vitality(
    service="queue",
    environment="laptop",
    image_id="sha256:image",
    probes_digest="sha256:probes",
    measured_at=datetime(2026, 11, 22, 17, 5, 12, 345678, tzinfo=UTC),
    proofs=(
        Proof(probe="queue/test_a.py::test_a", title="Ä", red_under=("nothing is kept",), why=""),
        Proof(probe="queue/test_b.py::test_b[1]", title="B", red_under=(), why="x" * 3000),
    ),
)


@pytest.fixture(params=sorted(PLACES))
def store(request, tmp_path) -> Iterator[Store]:
    opened = open_store(PLACES[request.param].format(folder=tmp_path), secrets=[SECRET])
    yield opened
    opened.close()


def load(store: Store, of: Vitality = FOUND) -> Vitality | None:
    return store.load_vitality(of.service, image_id=of.image_id, probes_digest=of.probes_digest)


def test_it_comes_back_as_it_was(store):
    store.record_vitality(FOUND)
    assert load(store) == FOUND


@pytest.mark.parametrize(
    "other", [{"service": "web"}, {"image_id": "sha256:new"}, {"probes_digest": "sha256:new"}]
)
def test_it_is_for_one_service_image_and_set_of_probes(store, other):
    store.record_vitality(FOUND)
    assert load(store, replace(FOUND, **other)) is None


def test_the_later_one_stays(store):
    store.record_vitality(FOUND)
    later = replace(FOUND, environment="qa", proofs=FOUND.proofs[:1])
    store.record_vitality(later)
    assert load(store) == later


def test_what_a_host_has_said_is_made_harmless(store):
    said = f"\x1b[31mpassword {SECRET}"
    proof = Proof(probe="queue/test_a.py::test_a", title="A", red_under=(), why=said)
    store.record_vitality(replace(FOUND, proofs=(proof,)))
    found = load(store)
    assert found is not None
    assert SECRET not in found.proofs[0].why
    assert "\x1b" not in found.proofs[0].why


def test_every_store_is_looked_at():
    assert set(PLACES) >= {"memory", "sqlite"}
    assert set(STORES) >= set(PLACES)
