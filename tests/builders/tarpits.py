"""Servers that are no SSH servers, and talk like it."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from matrix.core.model import SshAddress

Talk = Callable[[socket.socket, threading.Event], None]


def stay_mute(client: socket.socket, stop: threading.Event) -> None:
    stop.wait()


def drip(client: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.2):
        client.send(b"x")


def greet_and_stop(client: socket.socket, stop: threading.Event) -> None:
    client.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    stop.wait()


def hang_up(client: socket.socket, stop: threading.Event) -> None:
    client.close()


def talk_http(client: socket.socket, stop: threading.Event) -> None:
    client.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200)
    client.close()


@contextlib.contextmanager
def server(talk: Talk) -> Iterator[SshAddress]:
    """Something that listens, talks like that, and is no SSH server."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threads.append(threading.Thread(target=answer, args=(client,)))
                    threads[-1].start()

        def answer(client: socket.socket) -> None:
            with client, contextlib.suppress(OSError):
                talk(client, stop)

        serving = threading.Thread(target=serve)
        serving.start()
        port = listener.getsockname()[1]
        try:
            yield SshAddress(
                address="127.0.0.1", port=port, user="root", identity_file=Path("/nonexistent")
            )
        finally:
            stop.set()
            listener.shutdown(socket.SHUT_RDWR)
            serving.join()
            for thread in threads:
                thread.join()
