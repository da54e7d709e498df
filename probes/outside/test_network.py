"""Oscar decides who reaches what: ports only where they were published, names where they belong."""

import itertools

import pytest


def published(container):
    ports = container.inspect()["NetworkSettings"]["Ports"] or {}
    return {name: bound for name, bound in ports.items() if bound}


def addresses_of(outside):
    """The machine's own addresses but loopback, from the kernel's routing tree."""
    lines = outside.check_output("cat /proc/net/fib_trie").splitlines()
    local = {
        before.split()[-1] for before, line in itertools.pairwise(lines) if "host LOCAL" in line
    }
    return sorted(address for address in local if not address.startswith("127."))


def test_published_ports_answer(container, service, answering):
    """Every port the service declares answers on the host, and no other is published"""
    assert set(published(container)) == {f"{port}/tcp" for port in service.ports.values()}
    places = {name: container.address(name) for name in service.ports}
    silent = {*places.values()} - answering(places.values())
    for name, (address, port) in places.items():
        assert (address, port) not in silent, f"{name} does not answer on {address}:{port}"


# A swarm's service cannot name an address of its node: a deviation that its column shows.
@pytest.mark.engines("docker", "podman")
def test_ports_are_for_this_machine_only(container, service, outside, answering):
    """Published ports are bound to 127.0.0.1 and answer on no other address of the host"""
    bound = [one["HostIp"] for ports in published(container).values() for one in ports]
    assert set(bound) <= {"127.0.0.1"}
    for name in service.ports:
        _, port = container.address(name)
        open_on = answering([(one, port) for one in addresses_of(outside)])
        names = sorted(address for address, _ in open_on)
        assert not names, f"{name} answers on {', '.join(names)} too"


def test_names_are_resolved(container, service):
    """The service and its companions find each other by name"""
    # Without ahostsv4 an IPv6 address is asked for first, which the engine asks the outer world.
    resolve = "getent ahostsv4 {0} || getent hosts {0} || nslookup {0} > /dev/null"
    for name in (service.name, *service.companions):
        found = container.exec(resolve.format(name))
        assert found.rc == 0, f"{name} is not known in the container: {found.stderr}"
    for name in service.companions:
        found = container.companion(name).exec(resolve.format(service.name))
        assert found.rc == 0, f"{service.name} is not known in {name}: {found.stderr}"


def test_network_is_its_own(container, service):
    """The container is in one network of its own, and not in the host's"""
    networks = container.inspect()["NetworkSettings"]["Networks"]
    assert len(networks) == 1, f"it is in {', '.join(networks)}"
    assert not {"host", "none", "bridge", "podman"} & set(networks)
    for name in service.companions:
        other = container.companion(name).inspect()["NetworkSettings"]["Networks"]
        assert set(other) == set(networks)
