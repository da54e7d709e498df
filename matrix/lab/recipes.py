"""How each kind of lab host is made: its image, what it needs of this machine, how it is spoken to.

A host's engine and machine choose one of the recipes.
"""

from dataclasses import dataclass

from matrix.core.errors import UsageError
from matrix.lab.plan import HostPlan

#: Where an engine listens unless the host says otherwise.
_SOCKETS = {"docker": "/run/docker.sock", "podman": "/run/podman/podman.sock"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One kind of lab host."""

    #: Folder of ``images/lab`` with its Dockerfile, and part of its image's name.
    role: str
    #: Folder that needs a real file system below it, for overlay or a disk.
    storage: str
    devices: tuple[str, ...] = ()
    #: Debian packages that are the engine, by suite.
    packages: dict[str, tuple[str, ...]]
    #: Memory its container needs besides what the host is to have.
    overhead_bytes: int = 0


_DOCKER_PACKAGES = {
    "bullseye": ("docker.io",),
    "bookworm": ("docker.io",),
    # From trixie on the client is a package of its own.
    "trixie": ("docker.io", "docker-cli"),
    "sid": ("docker.io", "docker-cli"),
}

#: Program of the engine and machine → how a host with them is made.
RECIPES = {
    ("docker", "container"): Recipe(
        role="docker-host", storage="/var/lib/docker", packages=_DOCKER_PACKAGES
    ),
    ("podman", "container"): Recipe(
        role="podman-host",
        storage="/var/lib/containers",
        devices=("/dev/fuse", "/dev/net/tun"),
        packages={"bookworm": ("podman",), "trixie": ("podman", "passt")},
    ),
    ("docker", "user-mode-linux"): Recipe(
        role="uml-host",
        storage="/var/lib/uml",
        devices=("/dev/net/tun",),
        packages={"sid": _DOCKER_PACKAGES["sid"]},
        overhead_bytes=256 * 2**20,
    ),
}


def program(host: HostPlan) -> str:
    """What runs containers on it: a member of a swarm is a Docker."""
    return "docker" if host.engine == "swarm" else host.engine


def recipe(host: HostPlan) -> Recipe:
    """How *host* is made; raises UsageError where nobody knows."""
    found = RECIPES.get((program(host), host.machine))
    if found is None:
        raise UsageError(f"lab host {host.name}: no {host.machine} with {host.engine} is known")
    if host.suite not in found.packages:
        suites = ", ".join(found.packages)
        raise UsageError(f"lab host {host.name}: a {found.role} is made of {suites} only")
    return found


def storage(host: HostPlan) -> str:
    """The folder in its container that images and layers lie in; an ordinary user's is at home."""
    return "/home" if host.rootless else recipe(host).storage


def version_command(host: HostPlan) -> str:
    """Prints the engine's version for who logs in; through the API, which is what is used later."""
    return f"{' '.join(client_argv(host))} version --format '{{{{.Server.Version}}}}'"


def client_argv(host: HostPlan) -> tuple[str, ...]:
    """The client of its engine, for whoever may use its socket."""
    name = program(host)
    socket = f"unix://{host.engine_socket or _SOCKETS[name]}"
    return ("podman", "--remote", "--url", socket) if name == "podman" else ("docker",)
