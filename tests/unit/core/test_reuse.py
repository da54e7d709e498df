"""An answer is taken over only while nothing it rests on has changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.model import (
    CellId,
    Companion,
    Environment,
    Host,
    Kind,
    RunSettings,
    Service,
    SshAddress,
)
from matrix.core.plan import PlannedCell
from matrix.core.result import CellResult
from matrix.core.reuse import drawn, settings_digest, worth_keeping
from matrix.core.verdict import Verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT = CellId(service="queue", environment="qa")
ADDRESS = SshAddress(address="10.0.0.1", user="deploy", identity_file=Path("/keys/one"))
SERVICE = Service(
    name="queue",
    title="Queue",
    contents="",
    image="queue",
    settings=RunSettings(),
    companions=(Companion(name="replica", image="redis", settings=RunSettings()),),
    probes=(Path("/probes/queue"),),
)
ENVIRONMENT = Environment(
    name="qa",
    title="QA",
    kind=Kind.QA,
    hosts=(Host(name="qa-1", connection="ssh", ssh=ADDRESS),),
    engine="docker",
)
IMAGES = {"queue": "sha256:q", "redis": "sha256:r"}
PLANNED = PlannedCell(cell=AT, service=SERVICE, environment=ENVIRONMENT, probes=())
GOOD = CellResult(
    cell=AT,
    verdict=Verdict.PASSED,
    image_id="sha256:q",
    fingerprint="f",
    probes_digest="p",
    settings_digest="s",
    finished_at=NOW - timedelta(hours=1),
)


def kept(result=GOOD, **changes):
    asked = {
        "image_ids": IMAGES,
        "probes_digests": {"queue": "p"},
        "settings_digests": {AT: "s"},
        "now": NOW,
        "seconds": 7200.0,
    }
    return worth_keeping([PLANNED], {AT: ("r1", result)}, **(asked | changes)).get(AT)


def test_what_nothing_changed_for_is_kept_and_says_which_run_measured_it():
    assert kept() == replace(GOOD, reused_from="r1")
    assert kept(replace(GOOD, reused_from="r0")).reused_from == "r0"


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.PASSED])
def test_only_what_passed_is_kept(verdict):
    assert kept(replace(GOOD, verdict=verdict)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"image_ids": {**IMAGES, "queue": "sha256:new"}},
        {"image_ids": {}},
        {"probes_digests": {"queue": "new"}},
        {"probes_digests": {}},
        {"settings_digests": {AT: "new"}},
        {"settings_digests": {}},
        {"seconds": 3599.0},
        {"now": NOW - timedelta(hours=2)},
    ],
    ids=" ".join,
)
def test_what_something_changed_for_is_measured_again(changes):
    assert kept(**changes) is None


@pytest.mark.parametrize("field", ["image_id", "probes_digest", "settings_digest", "finished_at"])
def test_what_is_not_known_is_no_reason_to_keep_anything(field):
    unknown = None if field == "finished_at" else ""
    asked = {"image_ids": {"queue": ""}, "probes_digests": {"queue": ""}, "settings_digests": {}}
    assert kept(replace(GOOD, **{field: unknown})) is None
    assert kept(replace(GOOD, **{field: unknown}), **asked) is None


def digest(service=SERVICE, environment=ENVIRONMENT, images=IMAGES, version="1"):
    planned = replace(PLANNED, service=service, environment=environment)
    return settings_digest(planned, images, version=version)


def host(**changes):
    one = replace(ENVIRONMENT.hosts[0], ssh=replace(ADDRESS, **changes))
    return replace(ENVIRONMENT, hosts=(one,))


@pytest.mark.parametrize(
    "other",
    [
        {"service": replace(SERVICE, settings=RunSettings(memory_bytes=1))},
        {"service": replace(SERVICE, deadline_seconds=1.0)},
        {"service": replace(SERVICE, companions=())},
        {"images": {**IMAGES, "redis": "sha256:new"}},
        {"environment": host(address="10.0.0.2")},
        {"environment": replace(ENVIRONMENT, engine="podman")},
        {"version": "2"},
    ],
    ids=["memory", "deadline", "companions", "companion's image", "address", "engine", "program"],
)
def test_the_settings_are_others_when(other):
    assert digest(**other) != digest()


@pytest.mark.parametrize(
    "other",
    [
        {"service": replace(SERVICE, probes=(Path("/elsewhere"),))},
        {"environment": host(identity_file=Path("/keys/two"))},
        {"environment": replace(ENVIRONMENT, title="Quality")},
    ],
    ids=["another clone", "another key", "another title"],
)
def test_the_settings_are_the_same_with(other):
    assert digest(**other) == digest()


CELLS = st.sets(
    st.builds(CellId, service=st.sampled_from("abcdef"), environment=st.sampled_from("uvwxyz"))
)


@given(st.text(max_size=12), CELLS, st.floats(0, 1), st.floats(0, 1))
def test_the_audit_draws_the_same_for_the_same_run_and_more_for_a_larger_share(
    run, cells, one, other
):
    less, more = sorted((one, other))
    assert drawn(run, cells, share=less) <= drawn(run, cells, share=more) <= cells
    assert drawn(run, cells, share=0) == frozenset()
    assert drawn(run, cells, share=1) == cells


def test_the_audit_draws_about_its_share_and_others_for_another_run():
    cells = [CellId(service=f"s{at}", environment="qa") for at in range(2000)]
    first, second = (drawn(run, cells, share=0.1) for run in ("r1", "r2"))
    assert 120 < len(first) < 280
    assert first != second
