"""The engine's API from a host of ours, by both carriers."""

import contextlib
import signal
import socket
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from builders.containers import BusyboxImage, docker
from builders.sshd import PATIENCE_SECONDS, Sshd, wait_until

from matrix.core.errors import AuthRefused, EngineError, EngineUnavailable, HostError
from matrix.core.model import Carrier, Host
from matrix.engines import open_engine
from matrix.hosts import KeptShell

pytestmark = pytest.mark.engine

CARRIERS = [Carrier.STREAMLOCAL, Carrier.DIAL_STDIO]


def ask(path: Path, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE_SECONDS)
        client.connect(str(path))
        client.sendall(request)
        answer = b""
        while data := client.recv(65536):
            answer += data
    return answer


PING = b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("user", ["root", "docker1"])
def test_the_engine_of_a_host_is_a_socket_here(sshd: Sshd, reach, carrier, user):
    path = reach(sshd.host(user, carrier=carrier)).engine_socket()

    assert ask(path, PING).endswith(b"OK")
    assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("user", ["noisy", "fishy"])
def test_the_login_shell_does_not_matter_to_the_engine(sshd: Sshd, reach, user):
    path = reach(sshd.host(user, carrier=Carrier.DIAL_STDIO)).engine_socket()
    assert ask(path, PING).startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_account_that_may_not_use_the_engine_is_told_what_to_do(sshd: Sshd, reach):
    with pytest.raises(AuthRefused, match=r"may not use the engine .*engine_sudo = true"):
        reach(sshd.host("plain")).engine_socket()


@pytest.mark.parametrize("carrier", CARRIERS)
def test_input_that_ends_first_still_gets_the_whole_answer(
    sshd: Sshd, reach, carrier, busybox_image: BusyboxImage
):
    path = reach(sshd.host(carrier=carrier)).engine_socket()
    with busybox_image.container("sleep", "900") as container:
        said = subprocess.run(
            ["docker", "-H", f"unix://{path}", "exec", "-i", container, "cat"],
            check=True,
            input=b"x" * 300_000,
            capture_output=True,
            timeout=2 * PATIENCE_SECONDS,
        )
    assert said.stdout == b"x" * 300_000


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_client_that_hangs_up_ends_its_channel(sshd: Sshd, reach, carrier):
    path = reach(sshd.host(carrier=carrier)).engine_socket()
    before = threading.active_count()
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(100)
    wait_until(lambda: threading.active_count() <= before)


def test_five_shells_at_once_where_two_sessions_are_allowed(
    lone_sshd: Sshd, reach, busybox_image: BusyboxImage
):
    lone_sshd.start("MaxSessions=2")
    connection = reach(lone_sshd.host(max_sessions=2, carrier=Carrier.STREAMLOCAL))
    engine = open_engine("docker", connection.engine_socket())
    with busybox_image.container("sleep", "900") as container:
        shells = [KeptShell(lambda: engine.open_exec(container, ["sh"])) for _ in range(5)]
        for _ in range(3):
            for number, shell in enumerate(shells):
                said = shell.run(f"echo {number}", deadline_seconds=PATIENCE_SECONDS)
                assert said.stdout == b"%d\n" % number
        for shell in shells:
            shell.close()
    engine.close()
    assert lone_sshd.log().count("Accepted publickey") == 1


def test_where_forwarding_is_forbidden_sessions_carry_what_a_cell_needs(
    lone_sshd: Sshd, reach, busybox_image: BusyboxImage
):
    lone_sshd.start("MaxSessions=2", "DisableForwarding=yes")
    connection = reach(lone_sshd.host(max_sessions=2), deadline_seconds=PATIENCE_SECONDS)
    tether = connection.open_stream(["cat"])
    on_host = KeptShell(lambda: connection.open_stream(["sh"]))
    assert on_host.run("echo host", deadline_seconds=PATIENCE_SECONDS).stdout == b"host\n"
    engine = open_engine("docker", connection.engine_socket(), connections=1)
    with busybox_image.container("sleep", "900") as container:
        inside = KeptShell(lambda: engine.open_exec(container, ["sh"]))
        assert inside.run("echo in", deadline_seconds=PATIENCE_SECONDS).stdout == b"in\n"
        assert engine.inspect_container(container).running
        inside.close()
    on_host.close()
    tether.close()
    engine.close()


def test_a_client_there_is_no_session_for_is_told_why(lone_sshd: Sshd, reach):
    lone_sshd.start("MaxSessions=2")
    host = lone_sshd.host(max_sessions=2, carrier=Carrier.DIAL_STDIO)
    connection = reach(host, deadline_seconds=PATIENCE_SECONDS)
    path = connection.engine_socket()
    held = [connection.open_stream(["cat"]) for _ in range(4)]
    # Enough for whoever waits for a session that nobody is going to give back.
    connection._seconds = 2
    answer = ask(path, PING)

    assert answer.startswith(b"HTTP/1.1 503")
    assert b"all sessions of 2 SSH connections are in use" in answer
    for stream in held:
        stream.close()


def test_a_carrier_that_is_forbidden_is_an_error_that_names_it(lone_sshd: Sshd, reach):
    lone_sshd.start("AllowStreamLocalForwarding=no")
    host = lone_sshd.host(carrier=Carrier.STREAMLOCAL)
    with pytest.raises(EngineUnavailable, match="forwarding is forbidden"):
        reach(host).engine_socket()


def test_sudo_without_a_password_carries_the_engine(sshd: Sshd, reach):
    path = reach(sshd.host("sudoer", engine_sudo=True)).engine_socket()
    assert ask(path, PING).endswith(b"OK")


def test_sudo_that_asks_for_a_password_says_what_to_do(sshd: Sshd, reach):
    with pytest.raises(AuthRefused, match=r"password.*NOPASSWD"):
        reach(sshd.host("asker", engine_sudo=True)).engine_socket()


def test_no_engine_behind_the_socket_is_told(sshd: Sshd, reach):
    host = sshd.host(engine_socket="/nonexistent/docker.sock")
    with pytest.raises(EngineUnavailable, match=r"/nonexistent/docker\.sock"):
        reach(host).engine_socket()


def test_this_machine_gives_its_own_socket_or_says_there_is_none(reach):
    here = Host(name="here", connection="local")
    assert reach(here).engine_socket() == Path("/var/run/docker.sock")
    with pytest.raises(EngineUnavailable, match="engine_socket"):
        reach(replace(here, engine_socket="/nonexistent/docker.sock")).engine_socket()


def test_this_machine_through_sudo_carries_too(reach):
    # We are root here, so sudo asks for nothing; what matters is the way through a process.
    path = reach(Host(name="here", connection="local", engine_sudo=True)).engine_socket()
    assert ask(path, PING).endswith(b"OK")


def test_a_workspace_too_deep_for_a_socket_is_refused(sshd: Sshd, workspace):
    from matrix.hosts import connect

    deep = workspace / ("x" * 100)
    connection = connect(sshd.host(), workspace=deep)
    with pytest.raises(HostError, match="shorter folder"):
        connection.engine_socket()
    connection.close()


def test_streams_over_a_broken_connection_are_errors_and_the_carrier_goes_on(
    lone_sshd: Sshd, reach, busybox_image: BusyboxImage
):
    lone_sshd.start()
    connection = reach(lone_sshd.host(carrier=Carrier.STREAMLOCAL))
    engine = open_engine("docker", connection.engine_socket())
    with busybox_image.container("sleep", "900") as container:
        shell = KeptShell(lambda: engine.open_exec(container, ["sh"]))
        shell.run("true", deadline_seconds=PATIENCE_SECONDS)
        lone_sshd.signal_sessions(signal.SIGKILL)
        with pytest.raises((EngineError, HostError)):
            shell.run("sleep 1; true", deadline_seconds=PATIENCE_SECONDS)
        # A connection the HTTP client kept for later broke as well, and may be used once more.
        with contextlib.suppress(EngineError, HostError):
            shell.run("true", deadline_seconds=PATIENCE_SECONDS)
        assert shell.run("echo again", deadline_seconds=PATIENCE_SECONDS).stdout == b"again\n"
        shell.close()
    engine.close()


def test_closing_leaves_no_socket_no_thread_and_no_process(sshd: Sshd, reach, workspace):
    before = threading.active_count()
    connection = reach(sshd.host(carrier=Carrier.DIAL_STDIO))
    path = connection.engine_socket()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100)
        connection.close()
    wait_until(lambda: threading.active_count() <= before)

    assert list(workspace.iterdir()) == []
    assert docker("version")
