"""The engine's API on one socket: docker-py's client on our wire, with the version agreed on."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import requests
from docker import APIClient
from docker.constants import DEFAULT_DOCKER_API_VERSION, MINIMUM_DOCKER_API_VERSION

from matrix.core.errors import EngineError, EngineUnavailable, MatrixError
from matrix.engines.faults import FOREIGN, WORDS_CAP, translated
from matrix.engines.wire import DeadlineSocket, Refused, SocketAdapter, take_over

#: docker-py's own name for whatever is behind a unix socket.
BASE_URL = "http+docker://localhost"
#: What is read at once from a body that comes in a stream.
PIECE_BYTES = 64 * 1024
#: The longest single message of a progress stream; no engine comes near it.
MESSAGE_CAP_BYTES = 1024 * 1024
#: The longest single answer; a list of thousands of containers is far below it.
ANSWER_CAP_BYTES = 32 * 1024 * 1024
#: HTTP statuses from here on are errors, and the one for "there is none of that name".
ERRORS_FROM = 400
ABSENT = 404

#: Kind of object → where one of it is inspected.
COLLECTIONS = {
    "container": "containers/{}/json",
    "network": "networks/{}",
    "volume": "volumes/{}",
    "image": "images/{}/json",
    "service": "services/{}",
    "task": "tasks/{}",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """In what one engine differs from the others behind the same API."""

    #: As in the ENGINES table.
    name: str
    #: Its program, for commands that we tell the administrator.
    program: str
    #: What it cannot do of the run profile, in words.
    deviations: tuple[str, ...]
    #: Whether it loads an archive without the layers it has, see docs/decisions/0009.
    loads_parts: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """An answer that is read as it comes."""

    headers: Mapping[str, str]
    pieces: Iterator[bytes]


class Api:
    """Requests to one engine. May be used from several threads."""

    def __init__(
        self, socket: Path, dialect: Dialect, *, operation_seconds: float, connections: int
    ) -> None:
        """Agree on a version; raises EngineUnavailable when nothing answers on *socket*."""
        self.socket = socket
        self.dialect = dialect
        self.seconds = operation_seconds
        self._adapter = SocketAdapter(socket, connections=connections, seconds=operation_seconds)
        what = f"opening {dialect.name} on {socket}"
        try:
            with translated(what, otherwise=EngineUnavailable, gone=EngineUnavailable):
                answer = self._first_answer()
                check_name(answer, dialect)
                self.version = agreed_version(answer)
        except MatrixError:
            self._adapter.close()
            raise
        # The version is given so that docker-py asks nothing over the adapter it makes itself.
        self.client = APIClient(
            base_url=f"unix://{socket}",
            version=self.version,
            timeout=max(1, math.ceil(operation_seconds)),
        )
        # Neither proxies nor .netrc of the user have anything to do with a unix socket.
        self.client.trust_env = False
        self.client.mount("http+docker://", self._adapter)

    def path(self, path: str, /, **parameters: str | int) -> str:
        """``/v1.41/<path>?<parameters>``; whatever stands in *path* must be quoted already."""
        return f"/v{self.version}/{path}" + (f"?{urlencode(parameters)}" if parameters else "")

    def ask(self, path: str, /, **parameters: str | int) -> Mapping[str, Any]:
        """GET one object; raises Refused, what requests raises, and EngineError."""
        answer = self._get(path, parameters)
        if not isinstance(answer, dict):
            raise EngineError(f"{path}: the engine gave no sensible answer")
        return answer

    def ask_all(self, path: str, /, **parameters: str | int) -> list[Mapping[str, Any]]:
        """GET a list of objects; raises as ask does."""
        answer = self._get(path, parameters)
        if answer is not None and not isinstance(answer, list):
            raise EngineError(f"{path}: the engine gave no sensible answer")
        return [one for one in answer or [] if isinstance(one, dict)]

    def find(self, kind: str, reference: str) -> Mapping[str, Any] | None:
        """What the engine has under an id or name, None when there is none; raises our errors.

        *kind* is a row of COLLECTIONS.
        """
        with translated(f"inspecting {kind} {reference}"):
            try:
                return self.ask(COLLECTIONS[kind].format(quoted(reference)))
            except Refused as error:
                if error.status == ABSENT:
                    return None
                raise

    def delete(self, path: str, /, **parameters: str | int) -> None:
        """DELETE one object; raises Refused and what requests raises."""
        url = BASE_URL + self.path(path, **parameters)
        with self.client.delete(url, stream=True, timeout=self.seconds) as response:
            _raise_for_status(response)

    def post(
        self, path: str, body: Mapping[str, Any], /, **parameters: str | int
    ) -> Mapping[str, Any]:
        """POST one object and read another; raises as ask does."""
        url = BASE_URL + self.path(path, **parameters)
        with self.client.post(url, json=body, stream=True, timeout=self.seconds) as response:
            answer = _answer(response)
        return answer if isinstance(answer, dict) else {}

    @contextmanager
    def read(self, path: str, /, *, seconds: float, **parameters: str | int) -> Iterator[Body]:
        """GET a body in pieces; *seconds* bounds all of it."""
        url = BASE_URL + self.path(path, **parameters)
        timeout = (seconds, min(seconds, self.seconds))
        with self.client.get(url, stream=True, timeout=timeout) as response:
            _raise_for_status(response)
            yield Body(headers=response.headers, pieces=response.iter_content(PIECE_BYTES))

    @contextmanager
    def post_stream(
        self, path: str, /, body: Iterator[bytes] | None, *, seconds: float, **parameters: str | int
    ) -> Iterator[Iterator[Mapping[str, Any]]]:
        """POST, with a body in pieces, and read progress messages until the engine is through."""
        url = BASE_URL + self.path(path, **parameters)
        headers = {} if body is None else {"Content-Type": "application/x-tar"}
        timeout = (seconds, min(seconds, self.seconds))
        with self.client.post(
            url, data=body, headers=headers, stream=True, timeout=timeout
        ) as response:
            _raise_for_status(response)
            yield messages(response.iter_content(PIECE_BYTES))

    def take_over(
        self, path: str, /, body: Mapping[str, Any] | None = None, **parameters: str | int
    ) -> tuple[DeadlineSocket, bytes]:
        """POST and keep the connection for a stream of frames."""
        data = b"" if body is None else json.dumps(body).encode()
        seconds = self._adapter.patience(self.seconds)
        return take_over(self.socket, self.path(path, **parameters), data, seconds=seconds)

    def close(self) -> None:
        """Let go of every connection; never raises."""
        try:
            self.client.close()
        except FOREIGN:
            # Whatever a closing socket has to say does not matter to anybody any more.
            return

    def _get(self, path: str, parameters: Mapping[str, str | int]) -> object:
        url = BASE_URL + self.path(path, **parameters)
        with self.client.get(url, stream=True, timeout=self.seconds) as response:
            return _answer(response)

    def _first_answer(self) -> object:
        # Over the same adapter as all that follows: a carrier may allow few connections.
        session = requests.Session()
        session.trust_env = False
        session.mount("http+docker://", self._adapter)
        with session.get(f"{BASE_URL}/version", stream=True, timeout=self.seconds) as response:
            return _answer(response)


def quoted(reference: str) -> str:
    """An id or name as it stands in a path of the API."""
    return quote(reference, safe=":@/")


def check_name(answer: object, dialect: Dialect) -> None:
    """Raises EngineUnavailable when Podman answers under the name of another engine, or another
    under Podman's: they do not mean the same by what they say alike."""
    parts = (answer.get("Components") or ()) if isinstance(answer, dict) else ()
    podman = any(str(part.get("Name", "")).startswith("Podman") for part in parts)
    if podman and dialect.program != "podman":
        raise EngineUnavailable(f'Podman answers, not {dialect.name}: say engine = "podman"')
    if parts and not podman and dialect.program == "podman":
        raise EngineUnavailable('it is not Podman that answers: say engine = "docker"')


def agreed_version(answer: object) -> str:
    """The newest API version that the engine and docker-py both know.

    Raises EngineUnavailable when there is none.
    """
    if not isinstance(answer, dict) or "ApiVersion" not in answer:
        raise EngineUnavailable("what answers is no container engine: it tells no API version")
    newest, oldest = str(answer["ApiVersion"]), str(answer.get("MinAPIVersion") or "")
    chosen = min(newest, DEFAULT_DOCKER_API_VERSION, key=_numbers)
    lowest = max(oldest or MINIMUM_DOCKER_API_VERSION, MINIMUM_DOCKER_API_VERSION, key=_numbers)
    if _numbers(chosen) < _numbers(lowest):
        raise EngineUnavailable(
            f"the engine speaks API {oldest or '?'} to {newest}, we speak "
            f"{MINIMUM_DOCKER_API_VERSION} to {DEFAULT_DOCKER_API_VERSION}"
        )
    return chosen


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def messages(pieces: Iterator[bytes]) -> Iterator[Mapping[str, Any]]:
    """The JSON objects in a stream of them, however it is cut; raises EngineError for others."""
    decoder, waiting = json.JSONDecoder(), ""
    for piece in pieces:
        waiting += piece.decode("utf-8", "replace")
        while waiting := waiting.lstrip():
            try:
                message, end = decoder.raw_decode(waiting)
            except ValueError:
                break
            waiting = waiting[end:]
            if isinstance(message, dict):
                yield message
        if len(waiting) > MESSAGE_CAP_BYTES:
            raise EngineError("the engine's progress messages make no sense")
    if waiting.strip():
        raise EngineError(f"the engine's progress messages end in the middle: {waiting[:200]}")


def error_in(message: Mapping[str, Any]) -> str:
    """The error that a progress message carries, "" for none."""
    detail = message.get("errorDetail")
    said = detail.get("message") if isinstance(detail, dict) else None
    return str(said or message.get("error") or "")


def _raise_for_status(response: requests.Response) -> None:
    if response.status_code >= ERRORS_FROM:
        raise Refused(response.status_code, next(response.iter_content(WORDS_CAP), b""))


def _answer(response: requests.Response) -> object:
    _raise_for_status(response)
    body = bytearray()
    for piece in response.iter_content(PIECE_BYTES):
        body += piece
        if len(body) > ANSWER_CAP_BYTES:
            raise EngineError(f"the engine's answer is longer than {ANSWER_CAP_BYTES} bytes")
    return json.loads(body)
