"""The commands we run on a host, as lists of arguments, and how a list crosses SSH. Pure."""

import shlex
import string
from collections.abc import Sequence

#: Where an engine listens unless the inventory says otherwise.
ENGINE_SOCKETS = {"docker": "/var/run/docker.sock", "podman": "/run/podman/podman.sock"}
#: Program and the option that names the engine's socket.
ENGINE_PROGRAMS = {"docker": ("docker", "-H"), "podman": ("podman", "--url")}

_PLAIN = frozenset((string.ascii_letters + string.digits + " %+,-./:=@_").encode())


def socket_path(engine: str, socket: str) -> str:
    """Path of the engine's socket on its host; engines built on Docker use Docker's."""
    return socket or ENGINE_SOCKETS.get(engine, ENGINE_SOCKETS["docker"])


def engine_argv(engine: str, socket: str, *, sudo: bool) -> tuple[str, ...]:
    """The engine's command line program, told which socket to use.

    Always told: ``docker context`` or DOCKER_HOST of the account would lead to another engine than
    the one whose socket we carry, and so would Podman, to the account's own rootless one.
    """
    program, option = ENGINE_PROGRAMS.get(engine, ENGINE_PROGRAMS["docker"])
    words = (program, option, f"unix://{socket_path(engine, socket)}")
    return ("sudo", "-n", *words) if sudo else words


def dial_argv(engine: str, socket: str, *, sudo: bool) -> tuple[str, ...]:
    """Carries one connection to the engine's API over standard input and output."""
    return (*engine_argv(engine, socket, sudo=sudo), "system", "dial-stdio")


def shell_argv(run: str) -> tuple[str, ...]:
    """A shell for a KeptShell on a host, marked as ours so that the tether can end it."""
    return ("env", f"MATRIX_RUN={run}", "sh")


def login_line(argv: Sequence[str], nonce: str) -> str:
    """*argv* as the one string an SSH server hands to the account's login shell.

    The login shell may be anything: bash, dash, fish, csh. They agree on single quotes only as
    long as there is no quote, backslash followed by either, exclamation mark or line end between
    them, so everything unusual goes as ``\\0ooo`` and is decoded by ``printf %b`` in a POSIX
    shell. *nonce* is printed on both outputs first: what comes before it is noise of start-up
    files. It goes in two halves, so that a login shell that echoes its commands does not print it.
    """
    half = len(nonce) // 2
    halves = f"{nonce[:half]} {nonce[half:]}"
    script = f"printf %s%s {halves};printf %s%s {halves} >&2;exec {shlex.join(argv)}"
    return f"""exec sh -c 'eval "$(printf %b "$1")"' sh '{_octal(script)}'"""


def _octal(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in data)
