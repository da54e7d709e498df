"""From an address to an SSH transport that is logged in, or to an error that says why not."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
import stamina
from paramiko.agent import AgentKey, AgentSSH, get_agent_connection

from matrix.core.errors import (
    AuthRefused,
    HostKeyRefused,
    NegotiationFailed,
    Unreachable,
)
from matrix.core.model import SshAddress
from matrix.hosts.deadline import Deadline
from matrix.hosts.known_hosts import HostKey, KnownKeys, look_up, pinned
from matrix.hosts.transport import HostTransport

#: Times a server may drop us before its banner, as sshd does above MaxStartups.
BANNER_ATTEMPTS = 10
#: Longest pause before another try, and what is added at random so that runners do not march.
PAUSE_SECONDS = 1.5
PAUSE_JITTER_SECONDS = 0.5


class _Dropped(Exception):
    """The server closed the connection before its banner."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """A transport that is logged in, with those of the machines it goes through."""

    transport: HostTransport
    #: Outermost last.
    jumps: tuple[HostTransport, ...] = ()

    def close(self) -> None:
        """Never raises."""
        for transport in (self.transport, *self.jumps):
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                transport.close()


def log_in(address: SshAddress, *, deadline: Deadline) -> Login:
    """Log in at *address*, through its jump hosts.

    Raises Unreachable, NegotiationFailed, HostKeyRefused (before any credential is looked at)
    and AuthRefused (after one try with the one key that is meant for the host).
    """
    jump = log_in(address.jump, deadline=deadline) if address.jump else None
    try:
        transport = _handshake(address, jump, deadline)
    except BaseException:
        if jump:
            jump.close()
        raise
    login = Login(transport=transport, jumps=(jump.transport, *jump.jumps) if jump else ())
    try:
        _check_host_key(transport, address)
        _authenticate(transport, address, deadline)
    except BaseException:
        login.close()
        raise
    return login


def place(address: SshAddress) -> str:
    """For messages: who logs in where."""
    return f"{address.user}@{address.address}:{address.port}"


def _handshake(address: SshAddress, jump: Login | None, deadline: Deadline) -> HostTransport:
    """A transport that has exchanged keys; tries again when the server is too busy to greet."""
    # The longest pause comes after the last check of the time, so it is taken off before.
    patience = max(0.1, deadline.remaining() - PAUSE_SECONDS - PAUSE_JITTER_SECONDS)
    try:
        for attempt in stamina.retry_context(
            on=_Dropped,
            attempts=BANNER_ATTEMPTS,
            timeout=patience,
            wait_initial=0.3,
            wait_max=PAUSE_SECONDS,
            wait_jitter=PAUSE_JITTER_SECONDS,
        ):
            with attempt:
                return _exchange_keys(address, jump, deadline)
    except _Dropped as error:
        raise Unreachable(
            f"{place(address)} closes the connection before its SSH banner"
            f" ({error}); sshd is above its MaxStartups, or this is no SSH port"
        ) from error
    raise AssertionError("stamina either returns or raises")


def _exchange_keys(address: SshAddress, jump: Login | None, deadline: Deadline) -> HostTransport:
    known = known_keys(address)
    sock = _dial(address, jump, deadline)
    transport = HostTransport(sock)
    transport.banner_timeout = transport.handshake_timeout = deadline.remaining()
    _prefer_known_types(transport, known)
    try:
        transport.start_client(timeout=deadline.remaining())
    except paramiko.ssh_exception.IncompatiblePeer as error:
        _give_up(transport, sock)
        raise NegotiationFailed(f"{place(address)}: {transport.disagreement() or error}") from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        _give_up(transport, sock)
        if deadline.passed:
            raise _unfinished(address) from error
        if "banner" in str(error):
            raise _Dropped(str(error)) from error
        raise Unreachable(f"{place(address)}: SSH handshake failed: {error!r}") from error
    if not transport.initial_kex_done:
        # Paramiko returns without a word when its time is up.
        _give_up(transport, sock)
        raise _unfinished(address)
    return transport


def _unfinished(address: SshAddress) -> Unreachable:
    return Unreachable(f"{place(address)} accepts connections but finishes no SSH handshake")


def _give_up(transport: HostTransport, sock: socket.socket | paramiko.Channel) -> None:
    with contextlib.suppress(OSError, EOFError):
        transport.close()
        sock.close()


def _dial(
    address: SshAddress, jump: Login | None, deadline: Deadline
) -> socket.socket | paramiko.Channel:
    target = (address.address, address.port)
    try:
        if jump is None:
            sock = socket.create_connection(target, timeout=deadline.remaining())
            # Many small messages, each waited for by somebody.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        return jump.transport.open_channel(
            "direct-tcpip", target, ("127.0.0.1", 0), timeout=deadline.remaining()
        )
    except (OSError, EOFError, paramiko.SSHException) as error:
        through = f" through {place(address.jump)}" if address.jump else ""
        raise Unreachable(f"{place(address)}{through}: {error}") from error


def known_keys(address: SshAddress) -> KnownKeys:
    """What is known about the machine; raises HostKeyRefused when its file cannot be read."""
    if address.host_keys or address.known_hosts is None:
        return pinned(address.host_keys)
    try:
        lines = address.known_hosts.read_text(errors="replace").splitlines()
    except OSError as error:
        raise HostKeyRefused(
            f"{place(address)}: cannot read known_hosts file {address.known_hosts}:"
            f" {error.strerror}; nothing was sent to it"
        ) from error
    return look_up(lines, address.address, address.port)


def _prefer_known_types(transport: HostTransport, known: KnownKeys) -> None:
    """Ask for the type of key we know first: a server shows only one of those it has."""
    options = transport.get_security_options()
    kinds = {key.kind for key in known.trusted}
    if "ssh-rsa" in kinds:
        kinds |= {"rsa-sha2-512", "rsa-sha2-256"}
    options.key_types = tuple(sorted(options.key_types, key=lambda kind: kind not in kinds))


def _check_host_key(transport: HostTransport, address: SshAddress) -> None:
    remote = transport.get_remote_server_key()
    seen = HostKey(kind=remote.get_name(), blob=remote.asbytes())
    known = known_keys(address)
    if seen in known.trusted and seen not in known.revoked:
        return
    expected = ", ".join(f"{key.kind} {key.fingerprint}" for key in known.trusted)
    if seen in known.revoked:
        what = "shows a revoked host key"
    elif known.trusted:
        what = "shows another host key than the one that is known"
    else:
        what = "is not known yet"
    raise HostKeyRefused(
        f"{place(address)} {what}: seen {seen.kind} {seen.fingerprint}, expected"
        f" {expected or 'none'}; nothing was sent to it. Compare the fingerprint with the one on"
        f" the machine (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub) and, if it is right, put"
        f' host_keys = ["{seen}"] into the inventory'
    )


def _authenticate(transport: HostTransport, address: SshAddress, deadline: Deadline) -> None:
    """One try with the one key that is meant for this host."""
    if address.identity_file:
        _offer(transport, address, _key_from_file(address.identity_file), deadline)
    elif address.agent_key:
        with _agent(deadline) as agent:
            _offer(transport, address, _key_from_agent(agent, address.agent_key), deadline)
    else:
        raise AuthRefused(
            f"{place(address)}: the inventory names no identity_file and no agent_key"
        )


def _offer(
    transport: HostTransport, address: SshAddress, key: paramiko.PKey, deadline: Deadline
) -> None:
    transport.auth_timeout = deadline.remaining()
    try:
        missing = transport.auth_publickey(address.user, key)
    except paramiko.BadAuthenticationType as error:
        raise AuthRefused(
            f"{place(address)} takes no public key, only {', '.join(error.allowed_types)}"
        ) from error
    except paramiko.AuthenticationException as error:
        if "timeout" in str(error) or "EOF" in str(error):
            raise Unreachable(f"{place(address)}: no answer to our key: {error}") from error
        raise AuthRefused(
            f"{place(address)} does not accept our key {key.fingerprint}; put the public key into"
            " the account's authorized_keys, or name another one in the inventory"
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Unreachable(f"{place(address)}: lost while logging in: {error!r}") from error
    if missing:
        raise AuthRefused(f"{place(address)} also wants {', '.join(missing)}, which we cannot give")


def _key_from_file(path: Path) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(path)
    except OSError as error:
        raise AuthRefused(f"cannot read identity file {path}: {error.strerror}") from error
    except (TypeError, paramiko.PasswordRequiredException) as error:
        raise AuthRefused(
            f"identity file {path} has a passphrase; load it into an agent and name its"
            " fingerprint as agent_key"
        ) from error
    except (ValueError, paramiko.SSHException) as error:
        raise AuthRefused(f"identity file {path} is not a private key: {error}") from error


@contextlib.contextmanager
def _agent(deadline: Deadline) -> Iterator[AgentSSH]:
    """The ssh-agent of the account we run in, for as long as it is needed."""
    connection = get_agent_connection()
    if not connection:
        raise AuthRefused("no ssh-agent answers, but the inventory names an agent_key")
    # Paramiko itself would wait for a mute agent without end.
    connection.settimeout(deadline.remaining())
    agent = AgentSSH()
    try:
        agent._connect(connection)  # type: ignore[attr-defined]  # not in the stubs
        yield agent
    except (OSError, paramiko.SSHException) as error:
        raise AuthRefused(f"the ssh-agent does not answer: {error!r}") from error
    finally:
        connection.close()


def _key_from_agent(agent: AgentSSH, fingerprint: str) -> AgentKey:
    """The key with that fingerprint; no other key of the agent is ever used."""
    for key in agent.get_keys():
        if key.fingerprint == fingerprint:
            return key
    raise AuthRefused(f"the ssh-agent has no key {fingerprint}; ssh-add -l lists those it has")
