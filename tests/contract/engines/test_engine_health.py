import secrets

import pytest
from builders.engines import PATIENCE_SECONDS
from builders.images import FakeJournal

from matrix.core.errors import Unhealthy
from matrix.core.names import run_label
from matrix.delivery.deliver import Disk
from matrix.delivery.golden import golden_archive
from matrix.delivery.health import check_health, check_names

pytestmark = pytest.mark.engine

ROOMY = Disk(free_bytes=None, total_bytes=None, floor_bytes=0)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A golden container may be held up by a machine that stands still."""
    monkeypatch.setattr("matrix.delivery.health.ANSWER_SECONDS", PATIENCE_SECONDS)


@pytest.fixture
def run():
    """A run id that nobody else has."""
    return f"test{secrets.token_hex(4)}"


def check(engine, run, journal, **changes):
    arguments = {"token": f"{run}.1", "environment": "qa", "host": "qa-1", "disk": ROOMY}
    check_health(engine, run=run, journal=journal, **{**arguments, **changes})


def test_a_healthy_host_is_left_as_it_was_but_for_the_golden_image(engine, run):
    journal = FakeJournal()
    check(engine, run, journal)
    assert engine.list_objects(label=run_label(run)) == ()
    assert {intent.kind for intent in journal.entries.values()} <= {"image"}
    assert [intent.kind for intent in journal.intended if intent.kind != "image"] == [
        "network",
        "container",
    ]
    assert engine.inspect_image(golden_archive("amd64")[0]) is not None


def test_a_second_check_delivers_nothing(engine, run):
    check(engine, run, FakeJournal())
    journal = FakeJournal()
    check(engine, run, journal)
    assert journal.entries == {}


def test_an_unhealthy_host_says_which_step_failed_and_nothing_is_left(engine, run):
    journal = FakeJournal()

    class NoStart:
        """An engine on which no container starts."""

        def __getattr__(self, name):
            return getattr(engine, name)

        def open_exec(self, container, argv, *, user=""):
            return engine.open_exec(container, ["sh", "-c", "echo something else"], user=user)

    with pytest.raises(Unhealthy, match="host qa-1: running a command in a container: expected"):
        check(NoStart(), run, journal)
    assert engine.list_objects(label=run_label(run)) == ()
    assert {intent.kind for intent in journal.entries.values()} <= {"image"}


def test_a_host_whose_names_are_resolved_is_left_as_it_was(engine, run):
    journal = FakeJournal()
    check_names(
        engine,
        run=run,
        token=f"{run}.1",
        environment="qa",
        host="qa-1",
        journal=journal,
        disk=ROOMY,
    )
    assert engine.list_objects(label=run_label(run)) == ()
    assert {intent.kind for intent in journal.entries.values()} <= {"image"}


def test_a_name_that_is_not_resolved_is_the_hosts_fault_and_nothing_is_left(engine, run):
    journal = FakeJournal()

    class NoNames:
        """An engine whose name service hangs."""

        def __getattr__(self, name):
            return getattr(engine, name)

        def open_exec(self, container, argv, *, user=""):
            broken = [word.replace("nslookup golden", "false") for word in argv]
            assert broken != argv
            return engine.open_exec(container, broken, user=user)

    with pytest.raises(Unhealthy, match="host qa-1: resolving a container's own name: the engine"):
        check_names(
            NoNames(),
            run=run,
            token=f"{run}.1",
            environment="qa",
            host="qa-1",
            journal=journal,
            disk=ROOMY,
        )
    assert engine.list_objects(label=run_label(run)) == ()
    assert {intent.kind for intent in journal.entries.values()} <= {"image"}
