"""Every test here runs against every engine in ``builders.engines.PLACES``."""

import secrets

import pytest
from builders.engines import (
    LABELS,
    PLACES,
    SECONDS,
    USUAL_PLACES,
    a_spec,
    registry,
    tiny_image,
)

PARAMETERS = [
    pytest.param(name, marks=() if name in USUAL_PLACES else pytest.mark.full) for name in PLACES
]


@pytest.fixture(scope="package", params=PARAMETERS)
def place(request):
    """An engine and where it is."""
    with PLACES[request.param]() as place:
        yield place


@pytest.fixture(scope="package")
def engine(place):
    """An engine."""
    return place.engine


@pytest.fixture(scope="package")
def image(engine):
    """A tiny image that only these tests have, loaded; its id."""
    image_id, archive = tiny_image()
    engine.load_image([archive], image_id, seconds=SECONDS)
    yield image_id
    engine.remove_object("image", image_id)


@pytest.fixture(scope="package")
def fake_registry(place):
    """A registry on the engine's 127.0.0.1 that fails in every way."""
    with registry(place) as started:
        yield started


@pytest.fixture
def token():
    """Value of a label that is on everything one test makes."""
    return secrets.token_hex(4)


@pytest.fixture
def labels(token):
    """Labels of one test's objects."""
    return {**LABELS, "io.compat-matrix.test-token": token}


@pytest.fixture
def network(engine, labels, token):
    """A network, and whatever is on it, gone at the end; its name."""
    name = f"mx-test-{token}-net"
    engine.create_network(name, labels=labels)
    yield name
    for kind in ("container", "network", "volume"):
        for one in engine.list_objects(label=f"io.compat-matrix.test-token={token}"):
            if one.kind == kind:
                engine.remove_object(kind, one.id)


@pytest.fixture
def create(engine, image, network, labels):
    """Creates a container of the tiny image; returns its id."""

    def create(**settings):
        wanted = {"image_id": image, "network": network, "labels": labels} | settings
        return engine.create_container(a_spec(**wanted))

    return create


@pytest.fixture
def running(engine, create):
    """Creates and starts a container of the tiny image; returns its id."""

    def running(**settings):
        container = create(**settings)
        engine.control(container, "start")
        return container

    return running
