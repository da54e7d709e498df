"""Registries that fail half-way: the engine tries again and again, we give up in time."""

import pytest
from builders.engines import SECONDS, local_docker, registry

from matrix.core.errors import Cancelled, PullFailed

pytestmark = pytest.mark.engine


def quiet(*, sent_bytes, total_bytes):
    del sent_bytes, total_bytes


@pytest.fixture(scope="module")
def place():
    with local_docker() as place, registry(place) as started:
        yield place.engine, started


def pull(place, repository, *, progress=quiet, seconds=SECONDS):
    engine, started = place
    wanted = f"127.0.0.1:{started['port']}/{repository}@{started['digests'][repository]}"
    try:
        engine.pull_image(wanted, architecture="amd64", seconds=seconds, progress=progress)
    finally:
        assert engine.inspect_image(wanted) is None


@pytest.mark.parametrize("repository", ["blob429", "cut"])
def test_a_registry_that_fails_half_way_is_a_failed_pull(place, repository):
    with pytest.raises(PullFailed, match=r"the registry still failed after \d+ s"):
        pull(place, repository, seconds=3)


def test_whoever_watches_can_stop_a_pull(place):
    def stop(*, sent_bytes, total_bytes):
        raise Cancelled

    with pytest.raises(Cancelled):
        pull(place, "good", progress=stop)
