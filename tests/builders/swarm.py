"""A swarm of several engines in containers, its manager an old one."""

import secrets
from contextlib import ExitStack, contextmanager

from builders.engines import LABELS, LOCAL_SOCKET, engine_in_a_container
from docker import APIClient

#: Debian suites of the nodes, the manager's first: Docker 20.10 and 26.1.
SUITES = ("bookworm", "trixie")


@contextmanager
def swarm(suites=SUITES):
    """Engines that are one swarm; their places, the manager first."""
    with ExitStack() as opened:
        client = opened.enter_context(_client())
        network = opened.enter_context(_network(client))
        places = [
            opened.enter_context(engine_in_a_container("docker", suite, network=network))
            for suite in suites
        ]
        _join(places, _addresses(client, network))
        yield places


def node_id(place):
    """Which node of its swarm an engine is."""
    return place.client().info()["Swarm"]["NodeID"]


def _join(places, addresses):
    first, *others = places
    manager = addresses[first.process]
    client = first.client()
    client.init_swarm(advertise_addr=manager, listen_addr=f"{manager}:2377")
    token = client.inspect_swarm()["JoinTokens"]["Worker"]
    for place in others:
        address = addresses[place.process]
        place.client().join_swarm(
            [f"{manager}:2377"], token, advertise_addr=address, listen_addr=f"{address}:2377"
        )


def _addresses(client, network):
    """First process of each container on the network → its address there."""
    members = client.inspect_network(network)["Containers"]
    return {
        client.inspect_container(one)["State"]["Pid"]: found["IPv4Address"].split("/")[0]
        for one, found in members.items()
    }


@contextmanager
def _client():
    client = APIClient(base_url=f"unix://{LOCAL_SOCKET}", version="auto", timeout=180)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _network(client):
    name = f"mx-test-swarm-{secrets.token_hex(4)}"
    client.create_network(name, driver="bridge", internal=True, labels=LABELS)
    try:
        yield name
    finally:
        client.remove_network(name)
