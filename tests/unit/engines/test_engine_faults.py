import json

import docker.errors
import pytest
import requests
import urllib3.exceptions

from matrix.core import errors
from matrix.engines.faults import judge, translate, translated
from matrix.engines.wire import Refused

#: What Docker 20.10 to 28.5 and Podman 4.3 and 5.4 really said, shortened in the middle.
HEARD = [
    ("write /blobs/x: no space left on device", errors.DiskFull),
    ("Error processing tar file(exit status 1): write /usr/x: no space left on device", "DiskFull"),
    ("no matching manifest for linux/arm64 in the manifest list entries", "WrongArchitecture"),
    (
        "image with reference x was found but does not match the specified platform: "
        "wanted linux/arm64, actual: linux/amd64",
        "WrongArchitecture",
    ),
    (
        'no image found in manifest list for architecture "arm64", variant "", OS "linux"',
        "WrongArchitecture",
    ),
    ("exec /bin/sh: exec format error", "WrongArchitecture"),
    (
        'Conflict. The container name "/mx-1" is already in use by container "ab". '
        "You have to remove (or rename) that container",
        "NameConflict",
    ),
    (
        'creating container storage: the container name "mx-1" is already in use by ab. '
        "You have to remove that container to be able to reuse that name",
        "NameConflict",
    ),
    ("network with name mx-1-net already exists", "NameConflict"),
    ("network name mx-1-net already used: network already exists", "NameConflict"),
    (
        "driver failed programming external connectivity on endpoint mx-1 (ab): "
        "Bind for 127.0.0.1:8080 failed: port is already allocated",
        "PortTaken",
    ),
    (
        "driver failed programming external connectivity on endpoint x: Error starting userland "
        "proxy: listen tcp4 127.0.0.1:8080: bind: address already in use",
        "PortTaken",
    ),
    (
        "rootlessport listen tcp 127.0.0.1:8080: bind: address already in use",
        "PortTaken",
    ),
    (
        "could not find an available, non-overlapping IPv4 address pool among the defaults to "
        "assign to the network",
        "NetworkFault",
    ),
    ("Pool overlaps with other one on this address space", "NetworkFault"),
    ("could not find free subnet from subnet pools", "NetworkFault"),
    ("network nonesuch not found", "NetworkFault"),
    (
        "container create: unable to find network with name or ID nonesuch: network not found",
        "NetworkFault",
    ),
    ("No such image: sha256:0000", "DeliveryFailed"),
    ("no such image: docker.io/library/sha256:000: image not known", "DeliveryFailed"),
    (
        "failed to create shim task: OCI runtime create failed: runc create failed: unable to "
        'start container process: exec: "nope": executable file not found in $PATH: unknown',
        "StartRefused",
    ),
    (
        'OCI runtime create failed: unable to start container process: exec: "/nope": stat /nope: '
        "no such file or directory: unknown",
        "StartRefused",
    ),
    (
        'OCI runtime create failed: unable to start container process: exec: "/bin": '
        "permission denied: unknown",
        "StartRefused",
    ),
    (
        "crun: executable file `/nope` not found: No such file or directory: OCI runtime attempted "
        "to invoke a command that was not found",
        "StartRefused",
    ),
    (
        "crun: the path `/bin` is not a regular file: Operation not permitted: OCI permission "
        "denied",
        "StartRefused",
    ),
    ("unable to find user nouser: no matching entries in passwd file", "StartRefused"),
    ('invalid CapAdd: unknown capability: "CAP_NOPE"', "StartRefused"),
    ('container create: "CAP_NOPE": unknown capability', "StartRefused"),
    ("unable to apply caps: operation not permitted: unknown", "StartRefused"),
    ("Minimum memory limit allowed is 6MB", "StartRefused"),
    ('invalid tmpfs option ["nosuchopt"]', "StartRefused"),
    ("invalid mount path: 't' mount path must be absolute", "StartRefused"),
    ("No such container: ab", "ContainerLost"),
    ('no container with name or ID "ab" found: no such container', "ContainerLost"),
    ("Container ab is not running", "ContainerLost"),
    ("Container ab is paused, unpause the container before exec", "ContainerLost"),
    ("cannot create exec session as container ab is paused", "ContainerLost"),
    ("can only kill running containers. ab is in state exited", "ContainerLost"),
    ("No such exec instance: ab", "ContainerLost"),
    ("no exec session with ID ab found: no such exec session", "ContainerLost"),
    # Might be the host's fault as well as the service's: it cannot be told, so it is no failure.
    ("OCI runtime create failed: unable to apply cgroup configuration: mkdir", "EngineError"),
    ("OCI runtime create failed: can't copy bootstrap data to pipe: write init-p", "EngineError"),
    ("cannot start a stopped process: unknown", "EngineError"),
]


@pytest.mark.parametrize(("words", "kind"), HEARD, ids=[words[:40] for words, _ in HEARD])
def test_what_engines_say_means_one_of_our_errors(words, kind):
    expected = kind if isinstance(kind, type) else getattr(errors, kind)
    assert judge(words, errors.EngineError) is expected


def refused(status, body):
    response = requests.Response()
    response.status_code = status
    response._content = body
    return response


def api_error(status, message):
    answer = refused(status, json.dumps({"message": message}).encode())
    try:
        docker.errors.create_api_error_from_http_exception(requests.HTTPError(response=answer))
    except docker.errors.APIError as error:
        return error
    raise AssertionError


def chained(outer, inner):
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("foreign", "kind"),
    [
        pytest.param(TimeoutError("timed out"), "DeadlineExceeded", id="socket"),
        pytest.param(requests.ReadTimeout(), "DeadlineExceeded", id="requests"),
        pytest.param(
            requests.ConnectionError(urllib3.exceptions.ReadTimeoutError(None, "/", "slow")),
            "DeadlineExceeded",
            id="in the body",
        ),
        pytest.param(
            urllib3.exceptions.EmptyPoolError(None, "no connection"), "DeadlineExceeded", id="pool"
        ),
        pytest.param(
            requests.ConnectionError(
                urllib3.exceptions.ProtocolError("aborted", ConnectionRefusedError(111, "refused"))
            ),
            "EngineLost",
            id="refused",
        ),
        pytest.param(EOFError("hung up"), "EngineLost", id="hung up"),
        pytest.param(
            chained(
                requests.exceptions.ChunkedEncodingError("x"),
                urllib3.exceptions.ProtocolError("Response ended prematurely"),
            ),
            "EngineLost",
            id="half an answer",
        ),
        pytest.param(json.JSONDecodeError("no", "<html>", 0), "EngineError", id="no JSON"),
        pytest.param(KeyError("Id"), "EngineError", id="another shape"),
        pytest.param(
            Refused(404, b'{"message":"No such container: x"}'), "ContainerLost", id="404"
        ),
        pytest.param(Refused(500, b"\xff\xfe"), "EngineError", id="no text at all"),
        pytest.param(api_error(409, "Container x is paused"), "ContainerLost", id="docker-py's"),
    ],
)
def test_foreign_errors_become_ours(foreign, kind):
    assert type(translate(foreign, "doing it")) is getattr(errors, kind)


def test_an_engine_that_was_never_there_is_unavailable_not_lost():
    error = translate(
        FileNotFoundError(2, "No such file or directory"),
        "opening docker on /run/x.sock",
        gone=errors.EngineUnavailable,
    )
    assert type(error) is errors.EngineUnavailable
    assert str(error) == (
        "opening docker on /run/x.sock: the engine does not answer: "
        "[Errno 2] No such file or directory"
    )


def test_the_foreign_error_is_kept_as_the_cause():
    with pytest.raises(errors.EngineLost) as caught, translated("reading"):
        raise ConnectionResetError(104, "reset by peer")
    assert isinstance(caught.value.__cause__, ConnectionResetError)


def test_our_own_errors_pass_unchanged():
    with pytest.raises(errors.Cancelled), translated("reading"):
        raise errors.Cancelled
