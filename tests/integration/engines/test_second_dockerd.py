"""Faults of the engine itself, on a dockerd of the test's own: killed, stopped, out of disk."""

import secrets
import time
from contextlib import contextmanager

import pytest
from builders.archives import image_of, tar_of
from builders.engines import (
    PATIENCE_SECONDS,
    SECONDS,
    a_spec,
    local_docker,
    open_when_ready,
    second_dockerd,
    small_disk,
    tiny_image,
)
from builders.images import FakeJournal
from builders.stopwatch import Stopwatch

from matrix.core.errors import (
    DeadlineExceeded,
    DiskFull,
    EngineError,
    EngineLost,
    EngineUnavailable,
)
from matrix.core.store_ports import Intent
from matrix.delivery.deliver import Disk, Wanted, deliver
from matrix.engines import open_engine

pytestmark = pytest.mark.engine

OPERATION_SECONDS = 2.0
INTENT = Intent(run="r1", cell=None, environment="qa", host="second", kind="image", name="tiny")
ROOMY = Disk(free_bytes=None, total_bytes=None, floor_bytes=0)


@pytest.fixture
def dockerd(tmp_path):
    with second_dockerd(tmp_path) as dockerd:
        yield dockerd


@contextmanager
def opened(socket, *, operation_seconds=OPERATION_SECONDS):
    engine = open_when_ready("docker", socket, operation_seconds=operation_seconds)
    try:
        yield engine
    finally:
        engine.close()


def a_running_container(engine):
    image_id, archive = tiny_image()
    engine.load_image([archive], image_id, seconds=SECONDS)
    # The one network there is: this dockerd may make no others.
    container = engine.create_container(a_spec(image_id, "none", aliases=()))
    engine.control(container, "start")
    return container


def test_an_engine_killed_under_a_command_is_lost_not_the_end_of_output(dockerd):
    """E3: the stream ends as cleanly as when the command ends."""
    with opened(dockerd.socket, operation_seconds=PATIENCE_SECONDS) as engine:
        container = a_running_container(engine)
        stream = engine.open_exec(container, ["sh"])
        stream.send(b"echo ready\n")
        assert stream.receive(deadline_seconds=PATIENCE_SECONDS).data == b"ready\n"
        attached = engine.attach(container)
        dockerd.kill()
        for one in (stream, attached):
            with pytest.raises(EngineLost):
                one.receive(deadline_seconds=PATIENCE_SECONDS)
            with pytest.raises(EngineLost):
                one.receive(deadline_seconds=1)
        with pytest.raises(EngineLost):
            stream.send(b"echo more\n" * 100_000)
        with pytest.raises(EngineLost):
            engine.inspect_container(container)
        with pytest.raises(EngineUnavailable):
            engine.describe()
        with pytest.raises(EngineUnavailable):
            open_engine("docker", dockerd.socket)


def test_an_engine_that_hangs_ends_every_operation_at_its_deadline(dockerd):
    """E6: docker-py's own time-out does not hold for an exec."""
    with opened(dockerd.socket, operation_seconds=PATIENCE_SECONDS) as patient:
        container = a_running_container(patient)
        stream = patient.open_exec(container, ["sh"])
        with opened(dockerd.socket) as engine, dockerd.stopped():
            for operate in (
                lambda: engine.inspect_container(container),
                lambda: engine.open_exec(container, ["sh"]),
                lambda: engine.logs(container, tail=1, cap_bytes=10),
                lambda: stream.receive(deadline_seconds=OPERATION_SECONDS),
                lambda: open_engine("docker", dockerd.socket, operation_seconds=OPERATION_SECONDS),
            ):
                with Stopwatch() as took, pytest.raises((DeadlineExceeded, EngineError)):
                    operate()
                assert took.seconds < 3 * OPERATION_SECONDS
        stream.send(b"echo back\n")
        assert stream.receive(deadline_seconds=PATIENCE_SECONDS).data == b"back\n"
        stream.close()


def random_image(size_bytes):
    """An image that no compression makes smaller: id and archive."""
    image_id, files = image_of(tar_of({"big": secrets.token_bytes(size_bytes)}))
    return image_id, tar_of(files)


def test_a_disk_that_fills_up_is_a_full_disk_and_keeps_no_part_of_the_image(tmp_path):
    """H1, when the preflight did not know."""
    with (
        small_disk(tmp_path, 40),
        second_dockerd(tmp_path) as dockerd,
        opened(dockerd.socket, operation_seconds=PATIENCE_SECONDS) as engine,
    ):
        image_id, archive = random_image(30 << 20)
        with pytest.raises(DiskFull):
            engine.load_image([archive], image_id, seconds=SECONDS)
        assert engine.inspect_image(image_id) is None
        small_id, small = tiny_image()
        assert engine.load_image([small], small_id, seconds=SECONDS).id == small_id


def test_an_image_goes_from_one_engine_to_another_and_is_the_same_there(dockerd):
    journal, told = FakeJournal(), []

    def progress(*, sent_bytes, total_bytes):
        told.append((sent_bytes, total_bytes))

    with (
        local_docker() as here,
        opened(dockerd.socket, operation_seconds=PATIENCE_SECONDS) as there,
    ):
        image_id, archive = tiny_image()
        here.engine.load_image([archive], image_id, seconds=SECONDS)
        try:
            wanted = Wanted(image_id=image_id, reference="", architecture="amd64")
            image = deliver(
                wanted,
                target=there,
                source=here.engine,
                journal=journal,
                intent=INTENT,
                disk=ROOMY,
                progress=progress,
            )
        finally:
            here.engine.remove_object("image", image_id)
        assert image.id == image_id
        assert there.inspect_image(image_id) == image
        assert [intent.id for intent in journal.entries.values()] == [image_id]
        assert told[-1][0] > 1_000_000
        assert told == sorted(told)


def test_an_engine_killed_under_a_delivery_is_lost_and_the_journal_remembers(dockerd):
    journal = FakeJournal()
    image_id, archive = tiny_image()

    class Killing:
        """A source whose target dies while it sends."""

        def inspect_image(self, reference):
            del reference
            return deliverable

        def save_image(self, image_id, *, seconds):
            del image_id, seconds
            yield archive[:1_000_000]
            dockerd.kill()
            time.sleep(0.2)
            yield archive[1_000_000:]

    with local_docker() as here:
        here.engine.load_image([archive], image_id, seconds=SECONDS)
        deliverable = here.engine.inspect_image(image_id)
        here.engine.remove_object("image", image_id)
    with opened(dockerd.socket, operation_seconds=60) as there, pytest.raises(EngineLost):
        deliver(
            Wanted(image_id=image_id, reference="", architecture="amd64"),
            target=there,
            source=Killing(),
            journal=journal,
            intent=INTENT,
            disk=ROOMY,
            progress=lambda **_: None,
        )
    assert [intent.id for intent in journal.entries.values()] == [image_id]
