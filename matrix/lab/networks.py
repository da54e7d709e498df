"""Networks of the lab: made where their addresses are free, removed when nobody is in them."""

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Network
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from matrix.core.errors import EngineError, NameConflict, UsageError
from matrix.lab.plan import LabNetwork

LABEL_NETWORK = "io.compat-matrix.lab.network"


def ensure_network(
    client: APIClient, network: LabNetwork, routes: Iterable[tuple[str, IPv4Network]]
) -> None:
    """Make *network* unless it is there as it is to be.

    Raises UsageError when its addresses are in use on this machine, NameConflict when its name is,
    by something that is not the lab's.
    """
    existing = inspect_network(client, network.name)
    if existing is not None:
        if _as_planned(existing, network):
            return
        client.remove_network(existing["Id"])
    refuse_taken(network, (*routes, *_engine_subnets(client)))
    pool = IPAMPool(subnet=str(network.subnet))
    try:
        client.create_network(
            network.name,
            driver="bridge",
            ipam=IPAMConfig(pool_configs=[pool]),
            internal=network.internal,
            labels={LABEL_NETWORK: str(network.subnet)},
        )
    except APIError as error:
        raise EngineError(f"lab network {network.name}: {error.explanation}") from error


def refuse_taken(network: LabNetwork, taken: Iterable[tuple[str, IPv4Network]]) -> None:
    """Raises UsageError when something else on this machine has addresses of *network*."""
    for owner, subnet in taken:
        if subnet.overlaps(network.subnet):
            raise UsageError(
                f"lab network {network.name}: {network.subnet} overlaps with {subnet}, which "
                f"{owner} has on this machine; choose another subnet for it in the inventory's "
                "lab tables, and addresses in it for the hosts"
            )


def inspect_network(client: APIClient, name: str) -> Mapping[str, Any] | None:
    """The lab's network of that name, as the engine has it, or None.

    Raises NameConflict when it is not the lab's.
    """
    try:
        # Any: the engine's answer.
        found: Mapping[str, Any] = client.inspect_network(name)
    except NotFound:
        return None
    if LABEL_NETWORK not in (found.get("Labels") or {}):
        raise NameConflict(f"there is a network {name} that is not the lab's: rename or remove it")
    return found


def remove_network(client: APIClient, name: str, report: Callable[[str], None]) -> None:
    """Remove the lab's network *name*; it stays while hosts of another inventory are in it."""
    found = inspect_network(client, name)
    if found is None:
        return
    if found.get("Containers"):
        users = ", ".join(sorted(each["Name"] for each in found["Containers"].values()))
        report(f"lab: network {name} stays, {users} is in it")
        return
    client.remove_network(found["Id"])
    report(f"lab: network {name} removed")


def _as_planned(found: Mapping[str, Any], network: LabNetwork) -> bool:
    subnets = [pool.get("Subnet") for pool in found["IPAM"]["Config"] or []]
    return subnets == [str(network.subnet)] and found["Internal"] == network.internal


def _engine_subnets(client: APIClient) -> list[tuple[str, IPv4Network]]:
    # A network of the engine that no container uses may have no route.
    return [
        (f"the engine's network {found['Name']}", IPv4Network(pool["Subnet"]))
        for found in client.networks()
        for pool in found["IPAM"]["Config"] or []
        if "." in pool.get("Subnet", "")
    ]
