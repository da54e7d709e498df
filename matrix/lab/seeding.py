"""Images put into a lab host directly, from this machine's engine into the host's own."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import requests
from docker import APIClient

from matrix.core.errors import DeliveryFailed
from matrix.core.text import size_text
from matrix.lab.inside import Inside, inside
from matrix.lab.plan import HostPlan
from matrix.lab.recipes import client_argv

_CHUNK = 2**20
#: Between two lines about what was sent.
_SAY_SECONDS = 10.0


def seed_host(
    client: APIClient, host: HostPlan, image_ids: Sequence[str], report: Callable[[str], None]
) -> None:
    """Bring those of *image_ids* that *host* lacks into it; raises DeliveryFailed."""
    with inside(client, host) as within:
        missing = _missing(within, host, image_ids)
        if not missing:
            report(f"lab: {host.name} has all {len(image_ids)} images")
            return
        argv = [*client_argv(host), "load", "--quiet"]
        answer = within.run(argv, pieces=_counted(_archive(client, missing), host.name, report))
        if answer.status:
            raise DeliveryFailed(f"lab host {host.name} did not load the images: {answer.text}")
        absent = _missing(within, host, missing)
    if absent:
        raise DeliveryFailed(
            f"lab host {host.name} does not have {', '.join(absent)} after loading"
        )
    report(f"lab: {host.name} got {len(missing)} images, {size_text(answer.sent_bytes)}")


def _counted(pieces: Iterable[bytes], name: str, report: Callable[[str], None]) -> Iterator[bytes]:
    """*pieces*, with a line now and then about how much of them was taken."""
    taken, said_at = 0, time.monotonic()
    for piece in pieces:
        yield piece
        taken += len(piece)
        if time.monotonic() - said_at >= _SAY_SECONDS:
            said_at = time.monotonic()
            report(f"lab: {name}: images: sent {size_text(taken)}")
    report(f"lab: {name}: images: sent {size_text(taken)}, all of them; it unpacks the rest")


def _missing(within: Inside, host: HostPlan, image_ids: Sequence[str]) -> list[str]:
    """Those of *image_ids* that the host's engine does not have, asked for in one command."""
    ask = [*client_argv(host), "images", "--all", "--quiet", "--no-trunc"]
    answer = within.run(ask)
    if answer.status:
        raise DeliveryFailed(f"lab host {host.name} does not list its images: {answer.text}")
    present = set(answer.text.split())
    return [each for each in image_ids if each not in present]


def _archive(client: APIClient, image_ids: Sequence[str]) -> Iterator[bytes]:
    """All images in one archive, in which a layer they share is only once.

    The SDK's own ``get_image`` takes a single image.
    """
    url = f"{client.base_url}/v{client.api_version}/images/get"
    try:
        with client.get(url, params={"names": list(image_ids)}, stream=True) as answer:
            answer.raise_for_status()
            yield from answer.iter_content(_CHUNK)
    except requests.RequestException as error:
        raise DeliveryFailed(f"this machine's engine does not give the images: {error}") from error
