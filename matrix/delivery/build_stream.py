"""One conversation with the engine about building or fetching an image, read to its end.

The engine answers 200 before it has begun: what went wrong stands in the stream, as a message
with an ``error``. Only the legacy builder is used, which every engine of ours has.
"""

import io
import re
import socket as sockets
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError, DockerException, ImageNotFound

from matrix.core.build import BuildEvent, BuildWatcher
from matrix.core.errors import BuildFailed, EngineUnavailable
from matrix.core.text import neutralise

#: Seconds without a word from the engine after which a build is given up: a quiet download.
SILENCE_SECONDS = 600
#: Lines of a failed step's output that are kept for the error.
KEPT_LINES = 25
#: Characters of one line shown or kept.
LINE_LIMIT = 300

_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")

Message = Mapping[str, Any]  # the engine's JSON, whatever it is


@contextmanager
def opened(socket: Path, *, silence_seconds: float = SILENCE_SECONDS) -> Iterator[APIClient]:
    """A client on the engine's *socket*; raises EngineUnavailable when nothing answers there.

    One client is for one thread. *silence_seconds* is how long it waits for a word.
    """
    try:
        _knock(socket)
        client = APIClient(
            base_url=f"unix://{socket}", version="auto", timeout=int(silence_seconds)
        )
    except (DockerException, requests.RequestException, OSError) as error:
        raise EngineUnavailable(f"no engine answers on {socket}: {error}") from error
    try:
        yield client
    finally:
        client.close()


def _knock(path: Path) -> None:
    # docker-py leaves its socket open when it cannot connect.
    with sockets.socket(sockets.AF_UNIX) as unix:
        unix.connect(str(path))


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what docker-py and requests raise into BuildFailed: "*what*: why"."""
    try:
        yield
    except APIError as error:
        why = error.explanation or error
        raise BuildFailed(f"{what}: {neutralise(str(why), limit=2000)}") from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise BuildFailed(f"{what}: {error}") from error


def find_image(client: APIClient, reference: str) -> Mapping[str, Any] | None:
    """What the engine has under *reference*, None when there is none."""
    with translated(f"inspecting image {reference}"):
        try:
            found: Mapping[str, Any] = client.inspect_image(reference)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return None
        return found


class Transcript:
    """Follows the stream of one build: tells the watcher each step, keeps the last lines.

    It takes the whole stream, also behind an error, since a connection that is left in the middle
    of an answer stays open.
    """

    def __init__(self, image: str, observe: BuildWatcher) -> None:
        self._image = image
        self._observe = observe
        self._step = ""
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._error = ""

    def take(self, message: Message) -> None:
        """Take in one message."""
        if "error" in message:
            self._error = self._error or self._failure(str(message["error"]))
        for line in str(message.get("stream", "")).splitlines():
            self._take_line(neutralise(line[:LINE_LIMIT]))

    def end(self) -> None:
        """The stream is over; raises BuildFailed when there was an error in it."""
        if self._error:
            raise BuildFailed(self._error)

    def _take_line(self, line: str) -> None:
        step = _STEP.fullmatch(line)
        if step:
            number, count, self._step = int(step[1]), int(step[2]), line
            self._lines.clear()
            self._observe(BuildEvent(image=self._image, text=step[3], step=number, steps=count))
        elif line.strip():
            self._lines.append(line)

    def _failure(self, error: str) -> str:
        output = "".join(f"\n  | {line}" for line in self._lines)
        why = neutralise(error, limit=2000)
        return f"image {self._image}: {self._step or 'before the first step'}: {why}{output}"


def run_build(
    client: APIClient,
    *,
    image: str,
    tag: str,
    context: io.BytesIO,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    observe: BuildWatcher,
) -> None:
    """Build *context* and give the result *tag*; raises BuildFailed with the step's output."""
    transcript = Transcript(image, observe)
    with translated(f"image {image}"):
        stream = client.build(
            fileobj=context,
            custom_context=True,
            tag=tag,
            rm=True,
            forcerm=True,
            decode=True,
            buildargs=dict(arguments),
            labels=dict(labels),
            # The default bridge is not there on every engine, and may have no name server.
            network_mode="host",
        )
        for message in stream:
            transcript.take(message)
    transcript.end()
