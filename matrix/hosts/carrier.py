"""A unix socket on this machine that carries an engine's API from somewhere else."""

import contextlib
import json
import os
import secrets
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from matrix.core.errors import DeadlineExceeded, HostError, MatrixError
from matrix.core.ports import STDOUT, Stream
from matrix.hosts.deadline import Deadline
from matrix.hosts.refusals import refusal

#: Longest path of a unix socket, see unix(7).
PATH_BYTES = 107
#: Seconds the engine has to answer the one question asked before its socket is handed out.
ASK_SECONDS = 15.0
_CHUNK_BYTES = 65536
_COMPLAINT_BYTES = 2000


class Duplex(Stream, Protocol):
    """A stream whose input can be ended while its output goes on."""

    def end_input(self) -> None:
        """Never raises."""


class Carried:
    """Listens on a socket and joins every connection to a stream of its own.

    *dial* opens a stream to the engine. Where that fails, the client is told why by an HTTP
    answer, since all it would see otherwise is a closed connection.
    """

    def __init__(self, dial: Callable[[], Duplex], *, workspace: Path) -> None:
        self.path = workspace / f"{secrets.token_hex(4)}.sock"
        if len(os.fsencode(self.path)) > PATH_BYTES:
            raise HostError(f"{workspace}: too long for a unix socket; choose a shorter folder")
        self._dial = dial
        self._listener = socket.socket(socket.AF_UNIX)
        self._joined: set[_Joined] = set()
        self._lock = threading.Lock()
        self._closed = False
        try:
            self._listener.bind(str(self.path))
            self._listener.listen(128)
        except OSError as error:
            self._listener.close()
            raise HostError(f"{self.path}: cannot listen: {error.strerror}") from error
        self._thread = threading.Thread(target=self._accept, name="carrier", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            joined = _Joined(client, self._dial, ended=self._forget)
            with self._lock:
                if self._closed:
                    client.close()
                    return
                self._joined.add(joined)
            joined.start()

    def _forget(self, joined: "_Joined") -> None:
        with self._lock:
            self._joined.discard(joined)

    def close(self) -> None:
        """End every connection and remove the socket; never raises."""
        with self._lock:
            self._closed = True
            joined = tuple(self._joined)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with contextlib.suppress(OSError):
            self.path.unlink()
        for one in joined:
            one.close()
        for one in joined:
            one.join()
        self._thread.join(2)


class _Joined:
    """One client and its stream, with a thread for each direction."""

    def __init__(
        self,
        client: socket.socket,
        dial: Callable[[], Duplex],
        *,
        ended: "Callable[[_Joined], None]",
    ) -> None:
        self._client = client
        self._dial = dial
        self._ended = ended
        self._stream: Duplex | None = None
        self._closed = threading.Event()
        self._down = threading.Thread(target=self._carry_down, name="carrier-down", daemon=True)
        self._up = threading.Thread(target=self._carry_up, name="carrier-up", daemon=True)

    def start(self) -> None:
        self._down.start()

    def join(self) -> None:
        for thread in (self._down, self._up):
            if thread.ident:
                thread.join(2)

    def close(self) -> None:
        """Wakes both threads; the one that reads from the engine clears up."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)
        if self._stream:
            self._stream.close()

    def _carry_down(self) -> None:
        """Open the stream, then from the engine to the client."""
        try:
            self._stream = self._dial()
            self._up.start()
            if not self._closed.is_set():
                self._copy_down(self._stream)
        except (MatrixError, OSError) as error:
            if not self._closed.is_set():
                self._explain(str(error))
        finally:
            self.close()
            if self._up.ident:
                self._up.join()
            self._client.close()
            self._ended(self)

    def _copy_down(self, stream: Duplex) -> None:
        answered, complaint = False, b""
        while True:
            try:
                chunk = stream.receive(deadline_seconds=60)
            except DeadlineExceeded:
                continue
            if chunk is None:
                break
            if chunk.source == STDOUT:
                answered = True
                self._client.sendall(chunk.data)
            else:
                complaint = (complaint + chunk.data)[-_COMPLAINT_BYTES:]
        if not answered and complaint:
            self._explain(complaint.decode("utf-8", "backslashreplace").strip())
        self._client.shutdown(socket.SHUT_WR)
        # The client may go on sending to an engine that has said all it had to say.
        self._up.join()

    def _carry_up(self) -> None:
        """From the client to the engine, until the client is gone for good."""
        if self._stream is None:
            return
        try:
            while data := self._client.recv(_CHUNK_BYTES):
                self._stream.send(data)
            self._stream.end_input()
            self._wait_until_gone()
        except (MatrixError, OSError):
            pass
        self._stream.close()

    def _wait_until_gone(self) -> None:
        """A client that ended its input may still read; one that hung up does not."""
        hung_up = select.poll()
        hung_up.register(self._client, 0)
        while not self._closed.is_set() and not hung_up.poll(200):
            pass

    def _explain(self, message: str) -> None:
        body = json.dumps({"message": message}).encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            self._client.sendall(head.encode() + body)
            self._client.shutdown(socket.SHUT_WR)
            # A socket that is closed with something unread takes the answer back.
            self._client.settimeout(1)
            while self._client.recv(_CHUNK_BYTES):
                pass


def ask(dial: Callable[[], Duplex], *, where: str) -> None:
    """Ask the engine behind *dial* whether it is there.

    Raises EngineUnavailable, or AuthRefused when the account may not use it.
    """
    deadline = Deadline.after(ASK_SECONDS, what=f"{where}: the engine's answer")
    stream = dial()
    said, complaint = b"", b""
    try:
        stream.send(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")
        while b"\r\n\r\n" not in said and len(said) < _CHUNK_BYTES:
            chunk = stream.receive(deadline_seconds=deadline.remaining())
            if chunk is None:
                break
            if chunk.source == STDOUT:
                said += chunk.data
            else:
                complaint = (complaint + chunk.data)[-_COMPLAINT_BYTES:]
    finally:
        stream.close()
    if not said.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
        words = (complaint or said).decode("utf-8", "backslashreplace").strip()
        raise refusal(where, words)


def carry(dial: Callable[[], Duplex], *, workspace: Path, where: str) -> Carried:
    """A socket in *workspace* for the engine behind *dial*, after asking whether it is there."""
    ask(dial, where=where)
    return Carried(dial, workspace=workspace)
