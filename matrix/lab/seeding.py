"""Images put into a lab host directly, from this machine's engine into the host's own."""

from collections.abc import Callable, Iterator, Sequence

import requests
from docker import APIClient

from matrix.core.errors import DeliveryFailed
from matrix.lab.inside import Inside, inside
from matrix.lab.plan import HostPlan
from matrix.lab.recipes import client_argv

_CHUNK = 2**20


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
        answer = within.run(argv, pieces=_archive(client, missing))
        if answer.status:
            raise DeliveryFailed(f"lab host {host.name} did not load the images: {answer.text}")
        absent = _missing(within, host, missing)
    if absent:
        raise DeliveryFailed(
            f"lab host {host.name} does not have {', '.join(absent)} after loading"
        )
    report(f"lab: {host.name} got {len(missing)} images, {answer.sent_bytes // 2**20} MiB")


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
