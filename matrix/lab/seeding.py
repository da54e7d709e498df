"""Images put into a lab host directly, from this machine's engine into the host's own."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence

import requests
from docker import APIClient
from docker.utils.socket import consume_socket_output, frames_iter

from matrix.core.errors import DeliveryFailed
from matrix.lab.machine import engine_path
from matrix.lab.plan import HostPlan
from matrix.lab.recipes import inside_argv

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
    argv = [*inside_argv(host), "image", "inspect", "--format", "{{.Id}}", image_id]
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
    argv = [*inside_argv(host), "load", "--quiet"]
    started = client.exec_create(host.container, argv, stdin=True, stdout=True, stderr=True)
    with _start_exec(client, started["Id"]) as stream:
        sent = _send(stream, archive)
        frames = frames_iter(stream, tty=False)  # type: ignore[no-untyped-call]
        said = consume_socket_output(frame for _, frame in frames)
    if _exit_status(client, started):
        text = said.decode("utf-8", "replace").strip()
        raise DeliveryFailed(f"lab host {host.name} did not load the images: {text}")
    return sent


def _start_exec(client: APIClient, exec_id: str) -> socket.socket:
    """The two-way stream of an exec (Engine API, ``POST /exec/{id}/start``, upgraded to raw).

    The SDK gives a reader of a connection that it keeps: it can neither be written to nor closed.
    """
    stream = socket.socket(socket.AF_UNIX)
    try:
        stream.settimeout(_STALL_SECONDS)
        stream.connect(str(engine_path()))
        body = b'{"Detach": false, "Tty": false}'
        head = (
            f"POST /v{client.api_version}/exec/{exec_id}/start HTTP/1.1\r\nHost: engine\r\n"
            "Content-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        stream.sendall(head.encode() + body)
        answer = _head(stream)
        if not answer.startswith(b"HTTP/1.1 101 "):
            raise DeliveryFailed(f"this machine's engine does not open a stream: {answer!r}")
    except BaseException:
        stream.close()
        raise
    return stream


def _head(stream: socket.socket) -> bytes:
    """The head of an HTTP answer, and not a byte of what follows it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := stream.recv(1)):
        head += byte
    return head


def _send(stream: socket.socket, archive: Iterator[bytes]) -> int:
    sent = 0
    try:
        for chunk in archive:
            stream.sendall(chunk)
            sent += len(chunk)
        stream.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        # It ended early; its exit status and what it said tell why.
        return sent
    return sent


def _exit_status(client: APIClient, started: Mapping[str, str]) -> int:
    status = client.exec_inspect(started["Id"])["ExitCode"]
    if status is None:
        raise DeliveryFailed("a command in a lab host is still running after its output ended")
    return int(status)
