"""Images put into a lab host directly, from this machine's engine into the host's own."""

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

import requests
from docker import APIClient
from docker.utils.socket import consume_socket_output, frames_iter

from matrix.core.errors import DeliveryFailed
from matrix.lab.plan import HostPlan

_CHUNK = 2**20
_STALL_SECONDS = 120.0


def seed_host(
    client: APIClient, host: HostPlan, image_ids: Sequence[str], report: Callable[[str], None]
) -> None:
    """Bring those of *image_ids* that *host* lacks into it; raises DeliveryFailed."""
    missing = [each for each in image_ids if not _has_image(client, host, each)]
    if not missing:
        report(f"lab: {host.name} has all {len(image_ids)} images")
        return
    sent = _load(client, host, _archive(client, missing))
    absent = [each for each in missing if not _has_image(client, host, each)]
    if absent:
        raise DeliveryFailed(
            f"lab host {host.name} does not have {', '.join(absent)} after loading"
        )
    report(f"lab: {host.name} got {len(missing)} images, {sent // 2**20} MiB")


def _has_image(client: APIClient, host: HostPlan, image_id: str) -> bool:
    argv = [host.engine, "image", "inspect", "--format", "{{.Id}}", image_id]
    # Attached to its output, since that ends with it: a detached one may still be running.
    started = client.exec_create(host.container, argv, stdout=True, stderr=True)
    client.exec_start(started["Id"])
    return _exit_status(client, started) == 0


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


def _load(client: APIClient, host: HostPlan, archive: Iterator[bytes]) -> int:
    """Send *archive* to the engine in *host*; returns the number of bytes."""
    argv = [host.engine, "load", "--quiet"]
    started = client.exec_create(host.container, argv, stdin=True, stdout=True, stderr=True)
    reader = client.exec_start(started["Id"], socket=True)
    # A local engine's is a SocketIO, which can only be read; the socket under it goes both ways.
    assert isinstance(reader, socket.SocketIO)  # noqa: S101
    with closing(reader):
        sent = _send(reader.fileno(), archive)
        frames = frames_iter(reader, tty=False)  # type: ignore[no-untyped-call]
        said = consume_socket_output(frame for _, frame in frames)
    if _exit_status(client, started):
        text = said.decode("utf-8", "replace").strip()
        raise DeliveryFailed(f"lab host {host.name} did not load the images: {text}")
    return sent


def _send(descriptor: int, archive: Iterator[bytes]) -> int:
    sent = 0
    with socket.socket(fileno=os.dup(descriptor)) as both_ways:
        both_ways.settimeout(_STALL_SECONDS)
        try:
            for chunk in archive:
                both_ways.sendall(chunk)
                sent += len(chunk)
            both_ways.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            # It ended early; its exit status and what it said tell why.
            return sent
    return sent


def _exit_status(client: APIClient, started: Mapping[str, str]) -> int:
    status = client.exec_inspect(started["Id"])["ExitCode"]
    if status is None:
        raise DeliveryFailed("a command in a lab host is still running after its output ended")
    return int(status)
