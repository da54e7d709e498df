"""A port that somebody has already, on a real engine (E15). Ours are chosen by the engine, so a
container that asks for a certain one is made by hand."""

import secrets
import socket

import pytest
from builders.engines import LABELS, SECONDS, local_docker, tiny_image
from builders.sshd import free_port

from matrix.core.errors import PortTaken

pytestmark = pytest.mark.engine


@pytest.fixture
def place():
    with local_docker() as place:
        yield place


@pytest.fixture
def publish(place):
    """Creates a container that wants a port of 127.0.0.1; gives its id. All are gone at the end."""
    image_id, archive = tiny_image()
    place.engine.load_image([archive], image_id, seconds=SECONDS)
    client, network, made = place.client(), f"mx-test-{secrets.token_hex(4)}", []
    client.create_network(network, labels=LABELS)

    def publish(port):
        config = client.create_host_config(
            port_bindings={80: ("127.0.0.1", port)}, network_mode=network
        )
        name = f"mx-test-{secrets.token_hex(4)}"
        made.append(
            client.create_container(
                image_id, name=name, ports=[80], host_config=config, labels=LABELS
            )["Id"]
        )
        return made[-1], name

    yield publish
    for one in made:
        client.remove_container(one, force=True, v=True)
    client.remove_network(network)
    place.engine.remove_object("image", image_id)


@pytest.fixture
def taken():
    """A port of 127.0.0.1 that a process of this machine holds."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_port_held_by_a_process_is_an_error_and_says_that_no_container_has_it(
    place, publish, taken
):
    container, _ = publish(taken)
    with pytest.raises(PortTaken, match=f"port {taken} is held by no container of this engine"):
        place.engine.control(container, "start")
    with socket.create_connection(("127.0.0.1", taken), timeout=90):
        pass


def test_a_port_published_by_a_container_is_told_with_its_name(place, publish):
    port = free_port()
    owner, name = publish(port)
    place.engine.control(owner, "start")
    container, _ = publish(port)
    with pytest.raises(PortTaken, match=f"port {port} is published by container {name}"):
        place.engine.control(container, "start")
    assert place.engine.inspect_container(owner).running
