"""Run a command in a lab host: through this machine's engine, or by SSH where the host has a kernel
of its own, which the engine of this machine cannot look into."""

import shlex
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

import paramiko
from docker import APIClient
from docker.utils.socket import consume_socket_output, frames_iter

from matrix.core.errors import DeliveryFailed
from matrix.lab.machine import engine_path
from matrix.lab.plan import HostPlan

#: A host with a kernel of its own says nothing for minutes while it unpacks a large layer.
STALL_SECONDS = 600.0
_ANSWER_BYTES = 4000


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What became of one command."""

    status: int
    #: Both outputs, stripped.
    text: str
    #: Bytes of input that were sent.
    sent_bytes: int


class Inside(Protocol):
    """A lab host from within."""

    def run(self, argv: Sequence[str], *, pieces: Iterable[bytes] = ()) -> Answer:
        """Run *argv* with *pieces* as its input; raises DeliveryFailed when its end is not seen."""


@contextmanager
def inside(client: APIClient, host: HostPlan) -> Iterator[Inside]:
    """A way into *host*; raises DeliveryFailed when it does not open."""
    if host.machine == "container":
        yield ByEngine(client, host.container)
        return
    key = paramiko.Ed25519Key.from_private_key_file(str(host.identity_file))
    with closing(paramiko.SSHClient()) as line:
        line.load_host_keys(str(host.known_hosts))
        try:
            line.connect(
                str(host.address),
                port=host.port,
                username=host.user,
                pkey=key,
                timeout=STALL_SECONDS,
                allow_agent=False,
                look_for_keys=False,
            )
        except (OSError, paramiko.SSHException) as error:
            raise DeliveryFailed(f"lab host {host.name} is not reached: {error}") from error
        yield BySsh(line)


class ByEngine:
    """An exec in the container that the host is."""

    def __init__(self, client: APIClient, container: str) -> None:
        self._client = client
        self._container = container

    def run(self, argv: Sequence[str], *, pieces: Iterable[bytes] = ()) -> Answer:
        started = self._client.exec_create(
            self._container, [*argv], stdin=True, stdout=True, stderr=True
        )
        with self._start(started["Id"]) as stream:
            sent = _send(stream, pieces)
            frames = frames_iter(stream, tty=False)  # type: ignore[no-untyped-call]
            said = consume_socket_output(frame for _, frame in frames)
        return Answer(status=self._status(started), text=_text(said), sent_bytes=sent)

    def _status(self, started: Mapping[str, str]) -> int:
        status = self._client.exec_inspect(started["Id"])["ExitCode"]
        if status is None:
            raise DeliveryFailed("a command in a lab host is still running after its output ended")
        return int(status)

    def _start(self, exec_id: str) -> socket.socket:
        """The two-way stream of an exec (Engine API, ``POST /exec/{id}/start``, upgraded to raw).

        The SDK gives a reader of a connection that it keeps: it can neither be written to nor
        closed.
        """
        stream = socket.socket(socket.AF_UNIX)
        try:
            stream.settimeout(STALL_SECONDS)
            stream.connect(str(engine_path()))
            body = b'{"Detach": false, "Tty": false}'
            head = (
                f"POST /v{self._client.api_version}/exec/{exec_id}/start HTTP/1.1\r\n"
                "Host: engine\r\nContent-Type: application/json\r\nConnection: Upgrade\r\n"
                f"Upgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            stream.sendall(head.encode() + body)
            answer = _head(stream)
            if not answer.startswith(b"HTTP/1.1 101 "):
                raise DeliveryFailed(f"this machine's engine does not open a stream: {answer!r}")
        except BaseException:
            stream.close()
            raise
        return stream


class BySsh:
    """A session of the host's own sshd."""

    def __init__(self, line: paramiko.SSHClient) -> None:
        self._line = line

    def run(self, argv: Sequence[str], *, pieces: Iterable[bytes] = ()) -> Answer:
        stdin, stdout, _ = self._line.exec_command(shlex.join(argv), timeout=STALL_SECONDS)
        channel = stdout.channel
        channel.set_combine_stderr(True)
        sent = 0
        try:
            for piece in pieces:
                channel.sendall(piece)
                sent += len(piece)
            channel.shutdown_write()
            said = stdout.read(_ANSWER_BYTES)
        except OSError as error:
            raise DeliveryFailed(f"the line to a lab host broke: {error!r}") from error
        if not channel.status_event.wait(STALL_SECONDS):
            raise DeliveryFailed("a command in a lab host did not end")
        stdin.close()
        return Answer(status=channel.recv_exit_status(), text=_text(said), sent_bytes=sent)


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace").strip()


def _head(stream: socket.socket) -> bytes:
    """The head of an HTTP answer, and not a byte of what follows it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := stream.recv(1)):
        head += byte
    return head


def _send(stream: socket.socket, pieces: Iterable[bytes]) -> int:
    sent = 0
    try:
        for piece in pieces:
            stream.sendall(piece)
            sent += len(piece)
        stream.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        # It ended early; its exit status and what it said tell why.
        return sent
    return sent
