"""What an engine and the way to it say when something is wrong, in our words. The only place.

The engine's words decide, the first row that fits (Docker's and Podman's, as they were heard):

| it says                                                        | it is              |
|----------------------------------------------------------------|--------------------|
| no space left on device; disk quota exceeded                   | DiskFull           |
| exec format error; no matching manifest; does not match the    | WrongArchitecture  |
| specified platform; no image found in … for architecture       |                    |
| name … is already in use; … already exists / used; name        | NameConflict       |
| conflicts with an existing object                              |                    |
| port is already allocated; address already in use              | PortTaken          |
| no non-overlapping pool; pool overlaps; subnet pools; network  | NetworkFault       |
| … not found; no such network                                   |                    |
| no such image; unable to find image; image not known           | DeliveryFailed     |
| executable not found; exec: "…": permission denied, no such    | StartRefused       |
| file, is a directory; unable to find user or group; unknown    |                    |
| capability, unable to apply caps; minimum memory limit;        |                    |
| invalid mount or tmpfs option                                  |                    |
| no such container; container … is not running, is paused; no   | ContainerLost      |
| such exec instance                                             |                    |
| anything else                                                  | *otherwise*        |

The rows before it are about the host or the image, StartRefused alone is the service's own fault:
what might be either is not in it. Without words from the engine:

| what happened                                                  | it is              |
|----------------------------------------------------------------|--------------------|
| a time-out, connecting, writing or reading                     | DeadlineExceeded   |
| refused, no such socket, no permission, hung up, half an answer| *gone*             |
| an answer that is not what the API promises                    | EngineError        |
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests
import urllib3.exceptions

from matrix.core.errors import (
    ContainerLost,
    DeadlineExceeded,
    DeliveryFailed,
    DiskFull,
    EngineError,
    EngineLost,
    MatrixError,
    NameConflict,
    NetworkFault,
    PortTaken,
    StartRefused,
    WrongArchitecture,
)
from matrix.engines.wire import Refused

#: The most that is kept of what an engine says.
WORDS_CAP = 2000

_WORDS: tuple[tuple[str, type[MatrixError]], ...] = (
    (r"no space left on device|disk quota exceeded", DiskFull),
    (
        r"exec format error|no matching manifest|does not match the specified platform"
        r"|no image found in (manifest list|image index) for architecture",
        WrongArchitecture,
    ),
    (
        r"name \S+ is already in use|network (with )?name \S+ already (exists|used)"
        r"|name is already in use|volume (with )?name \S+ already exists"
        r"|name conflicts with an existing object|network \S+ already exists",
        NameConflict,
    ),
    (r"port is already allocated|address already in use", PortTaken),
    (
        r"could not find an available, non-overlapping|pool overlaps with other"
        r"|subnet pools?|is already used on the host or by another config"
        r"|network \S+ not found|no such network|unable to find network",
        NetworkFault,
    ),
    (r"no such image|unable to find image|image not known", DeliveryFailed),
    (
        r"executable file \S+ ?not found|executable file not found"
        r'|exec: "[^"]*": (permission denied|stat \S+ no such file|is a directory|no such file)'
        r"|unable to find (user|group)|no matching entries in (passwd|group)"
        r"|unknown capability|invalid capability|capability \S+ is unknown|invalid CapAdd"
        r"|the path \S+ is not a regular file"
        r"|unable to apply caps|minimum memory limit|invalid mount|invalid tmpfs"
        r"|invalid container path",
        StartRefused,
    ),
    (
        r"no such container|no container with name or id|container \S+ is not running"
        r"|is paused|no such exec|can only kill running|can only pause|container state improper"
        r"|is not running",
        ContainerLost,
    ),
)
_TABLE = tuple((re.compile(words, re.IGNORECASE | re.DOTALL), kind) for words, kind in _WORDS)

#: Everything that docker-py and what is under it raise.
FOREIGN = (
    docker.errors.DockerException,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    Refused,
    OSError,
    EOFError,
    # An answer of another shape than docker-py expects.
    ValueError,
    KeyError,
    TypeError,
)


@contextmanager
def translated(
    what: str,
    *,
    otherwise: type[MatrixError] = EngineError,
    gone: type[MatrixError] = EngineLost,
) -> Iterator[None]:
    """Whatever goes wrong inside is raised as one of our errors, with *what* was being done.

    *otherwise* is for words of the engine that are not in the table, *gone* for an engine that
    does not answer at all.
    """
    try:
        yield
    except FOREIGN as error:
        raise translate(error, what, otherwise=otherwise, gone=gone) from error


def translate(
    error: BaseException,
    what: str,
    *,
    otherwise: type[MatrixError] = EngineError,
    gone: type[MatrixError] = EngineLost,
) -> MatrixError:
    """The error of ours that *error* is, by the tables above."""
    words = said_by_engine(error)
    if words is not None:
        return judge(words, otherwise)(f"{what}: {words}")
    causes = tuple(_causes(error))
    if any(isinstance(one, _SLOW) for one in causes):
        return DeadlineExceeded(f"{what}: the engine did not answer in time")
    if any(isinstance(one, _GONE) for one in causes):
        return gone(f"{what}: the engine does not answer: {_deepest(causes)}")
    return EngineError(f"{what}: the engine gave no sensible answer: {_deepest(causes)}")


def judge(words: str, otherwise: type[MatrixError]) -> type[MatrixError]:
    """The class of error that the engine's words mean."""
    return next((kind for pattern, kind in _TABLE if pattern.search(words)), otherwise)


def said_by_engine(error: BaseException) -> str | None:
    """The message in the engine's answer; None when the error is not an answer of the engine."""
    if isinstance(error, docker.errors.APIError):
        return _message(str(error.explanation or error))
    if isinstance(error, Refused):
        return _message(error.body.decode("utf-8", "backslashreplace") or str(error))
    return None


_SLOW = (
    TimeoutError,
    requests.Timeout,
    urllib3.exceptions.TimeoutError,
    urllib3.exceptions.EmptyPoolError,
)
_GONE = (
    OSError,
    EOFError,
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.ProtocolError,
)


def _message(body: str) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = body
    if isinstance(answer, dict):
        answer = answer.get("message") or answer.get("cause") or body
    return str(answer).strip()[:WORDS_CAP]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it carries: causes, contexts, arguments and urllib3's reasons."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [each for each in inner if isinstance(each, BaseException)]


def _deepest(causes: tuple[BaseException, ...]) -> str:
    """The cause that says most about why: what the operating system said, else the last one."""
    system = [one for one in causes if type(one).__module__ == "builtins" and str(one)]
    chosen = system[-1] if system else causes[-1]
    return (str(chosen) or type(chosen).__name__)[:WORDS_CAP]
