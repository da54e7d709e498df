"""When a lab host counts as ready: its sshd shows the pinned key, takes ours, and its engine
answers the user who is going to use it."""

import shlex
import socket
import time
from collections.abc import Callable
from contextlib import closing

import paramiko

from matrix.core.errors import EngineUnavailable, HostKeyRefused, Unreachable
from matrix.lab.plan import HostPlan
from matrix.lab.recipes import version_command

_RETRY_SECONDS = 0.1
_CONNECT_SECONDS = 5.0
_ANSWER_BYTES = 2000


def wait_until_ready(
    host: HostPlan, host_key: str, *, deadline_seconds: float, alive: Callable[[], bool]
) -> str:
    """Version of the engine of *host*, as soon as it answers.

    Raises HostKeyRefused when another key is shown, Unreachable with the last thing that went wrong
    when the deadline passes or *alive* says that there is nothing to wait for.
    """
    end = time.monotonic() + deadline_seconds
    while True:
        try:
            return _ask(host, host_key, deadline_seconds=max(1.0, end - time.monotonic()))
        except HostKeyRefused:
            raise
        except (OSError, EOFError, paramiko.SSHException, EngineUnavailable) as error:
            why = str(error) or type(error).__name__
            if time.monotonic() > end or not alive():
                raise Unreachable(f"{host.name} at {host.address}: {why}") from error
        time.sleep(_RETRY_SECONDS)


def _ask(host: HostPlan, host_key: str, *, deadline_seconds: float) -> str:
    address = (str(host.address), host.port)
    with closing(socket.create_connection(address, timeout=_CONNECT_SECONDS)) as sock:
        transport = paramiko.Transport(sock)
        try:
            transport.banner_timeout = _CONNECT_SECONDS
            transport.start_client(timeout=_CONNECT_SECONDS)
            shown = transport.get_remote_server_key()
            if f"{shown.get_name()} {shown.get_base64()}" != host_key:
                raise HostKeyRefused(f"{host.address} is not {host.name}: it has another host key")
            key = paramiko.Ed25519Key.from_private_key_file(str(host.identity_file))
            transport.auth_publickey(host.user, key)
            return _version(host, transport, deadline_seconds=deadline_seconds)
        finally:
            transport.close()


def _version(host: HostPlan, transport: paramiko.Transport, *, deadline_seconds: float) -> str:
    command = ("sudo -n " if host.engine_sudo else "") + version_command(host)
    seconds = max(1, int(deadline_seconds))
    # The engine starts beside sshd: waited for over there, not by one connection after another.
    wait = f"until {command} > /dev/null 2>&1; do sleep {_RETRY_SECONDS}; done"
    with closing(transport.open_session(timeout=_CONNECT_SECONDS)) as channel:
        channel.settimeout(deadline_seconds + _CONNECT_SECONDS)
        channel.set_combine_stderr(True)
        channel.exec_command(f"timeout {seconds} sh -c {shlex.quote(wait)}; {command}")
        answer = channel.makefile().read(_ANSWER_BYTES).decode("utf-8", "replace").strip()
        # recv_exit_status alone has no time limit.
        status = channel.recv_exit_status() if channel.status_event.wait(_CONNECT_SECONDS) else -1
    if status:
        raise EngineUnavailable(f"its engine does not answer {host.user}: {answer}")
    return answer
