"""HTTP over a unix socket with deadlines that hold, for docker-py's client.

The timeout of ``requests`` is one silence between two bytes; an engine that sends a byte now and
then is waited for for ever. Here a request has two limits, both given as ``timeout``:

| ``timeout=``        | the whole exchange, body included | the longest silence |
|---------------------|-----------------------------------|---------------------|
| ``30``              | 30 s                              | 30 s                |
| ``(600, 30)``       | 600 s                             | 30 s                |
"""

import re
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import BaseHTTPResponse

if TYPE_CHECKING:
    from typing_extensions import Buffer

#: A socket beside us either takes the connection at once or its owner is not there.
CONNECT_SECONDS = 10.0
#: How long an engine is waited for that has not answered the request before.
SILENT_SECONDS = 5.0
#: What is read of the answer to a request that takes the connection over, before the stream.
HEAD_CAP_BYTES = 64 * 1024
#: What an engine says when it has handed the connection over.
TAKEN_OVER = (101, 200)


class DeadlineSocket(socket.socket):
    """A unix socket whose reads and writes end at a moment, however they are spread."""

    _until: float | None = None
    _silence: float | None = None

    def arm(self, seconds: float | None) -> None:
        """From now on everything together may take *seconds*; None takes the limit away."""
        self._until = None if seconds is None else time.monotonic() + seconds

    def settimeout(self, value: float | None) -> None:
        """The longest silence."""
        self._silence = value
        super().settimeout(value)

    def recv_into(self, buffer: "Buffer", nbytes: int = 0, flags: int = 0) -> int:
        """Read; raises TimeoutError when either limit is reached."""
        self._limit()
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: "Buffer", flags: int = 0) -> None:
        """Write; raises TimeoutError when either limit is reached."""
        self._limit()
        super().sendall(data, flags)

    def _limit(self) -> None:
        if self._until is None:
            return
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        super().settimeout(left if self._silence is None else min(left, self._silence))


def dial(path: Path, seconds: float | None) -> DeadlineSocket:
    """A connected socket; raises OSError."""
    sock = DeadlineSocket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(min(CONNECT_SECONDS, seconds or CONNECT_SECONDS))
        sock.connect(str(path))
    except BaseException:
        sock.close()
        raise
    sock.settimeout(seconds)
    return sock


class _Connection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = dial(self._path, self.timeout)

    # The arguments are urllib3's own affair and passed on as they are.
    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Start the clock. urllib3 has the connect timeout in ``timeout`` until it reads."""
        if self.sock is None:
            self.connect()
        if isinstance(self.sock, DeadlineSocket):
            self.sock.settimeout(self.timeout)
            self.sock.arm(self.timeout)
        super().request(*args, **kwargs)


class _Pool(HTTPConnectionPool):
    def __init__(self, path: Path, *, connections: int, seconds: float) -> None:
        super().__init__("localhost", maxsize=connections, block=True)
        self._path = path
        self._seconds = seconds

    def _new_conn(self) -> _Connection:
        return _Connection(self._path)

    # The arguments are urllib3's own affair and passed on as they are.
    def urlopen(self, *args: Any, **kwargs: Any) -> BaseHTTPResponse:  # noqa: ANN401
        """As urllib3's, but waiting for a free connection ends too."""
        answer: BaseHTTPResponse = super().urlopen(
            *args, **{"pool_timeout": self._seconds, **kwargs}
        )
        return answer


class SocketAdapter(HTTPAdapter):
    """Carries every request of a session over one unix socket, on few kept connections."""

    def __init__(self, path: Path, *, connections: int, seconds: float) -> None:
        super().__init__()
        self._pool = _Pool(path, connections=connections, seconds=seconds)
        #: Whether the last request was not answered in time.
        self.silent = False

    # The arguments are those of requests and passed on as they are.
    def send(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401
        """As requests', but an engine that was silent once is not waited for as long again."""
        match kwargs.get("timeout"):
            case int() | float() as seconds:
                kwargs["timeout"] = self.patience(seconds)
            case (int() | float() as seconds, int() | float() as silence):
                kwargs["timeout"] = (self.patience(seconds), self.patience(silence))
        try:
            response = super().send(*args, **kwargs)
        except requests.Timeout:
            self.silent = True
            raise
        self.silent = False
        return response

    def patience(self, seconds: float) -> float:
        """How long to wait for an answer that may take *seconds*."""
        return min(seconds, SILENT_SECONDS) if self.silent else seconds

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> HTTPConnectionPool:
        """The one pool, whatever is asked."""
        del request, verify, proxies, cert
        return self._pool

    def request_url(
        self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None
    ) -> str:
        """The path alone: there is no proxy to a unix socket."""
        del proxies
        return request.path_url

    def close(self) -> None:
        """Close the kept connections."""
        super().close()
        self._pool.close()


class Refused(Exception):
    """The engine answered a takeover with an error."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body
        super().__init__(f"HTTP {status}")


def take_over(
    path: Path, target: str, body: bytes, *, seconds: float
) -> tuple[DeadlineSocket, bytes]:
    """POST to *target* and keep the connection as a raw stream (the Engine API's "hijacking").

    Returns the socket and what came behind the head of the answer. Raises Refused, OSError
    (TimeoutError among them), and EOFError when the other side hung up before it had answered.
    """
    head = (
        f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    sock = dial(path, seconds)
    try:
        sock.arm(seconds)
        sock.sendall(head.encode() + body)
        answer, rest = _read_head(sock)
        if _status(answer) not in TAKEN_OVER:
            raise Refused(_status(answer), _read_body(sock, answer, rest))
        sock.arm(None)
    except BaseException:
        sock.close()
        raise
    return sock, rest


def _read_head(sock: DeadlineSocket) -> tuple[bytes, bytes]:
    read, buffer = bytearray(), bytearray(4096)
    while (end := read.find(b"\r\n\r\n")) < 0:
        count = sock.recv_into(buffer)
        if not count or len(read) > HEAD_CAP_BYTES:
            raise EOFError("the engine hung up before it answered")
        read += buffer[:count]
    return bytes(read[:end]), bytes(read[end + 4 :])


def _read_body(sock: DeadlineSocket, head: bytes, rest: bytes) -> bytes:
    """The text of an error, of the length it says or else what is there."""
    said = re.search(rb"(?i)\r\ncontent-length: *(\d{1,6})", head)
    wanted = min(HEAD_CAP_BYTES, int(said[1])) if said else len(rest)
    buffer, body = bytearray(4096), bytearray(rest)
    while len(body) < wanted and (count := sock.recv_into(buffer)):
        body += buffer[:count]
    return bytes(body)


def _status(head: bytes) -> int:
    """``HTTP/1.1 101 UPGRADED`` → 101; 0 for what is not HTTP."""
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
