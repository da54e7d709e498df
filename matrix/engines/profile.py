"""The run profile: how every container of ours is run, whatever its service declares. Pure.

What is written here holds for all and cannot be configured: no privileges, no mounts of the host,
no engine socket, no capability but those declared, no new privileges, memory, processes and log
capped, ports on 127.0.0.1 and chosen by the engine, never restarted.
"""

from collections.abc import Mapping, Sequence

from matrix.core.model import Port, RunSettings
from matrix.core.ports import ContainerSpec
from matrix.core.result import Json
from matrix.core.saboteur import Weakening

#: Two files, so that a log just rotated still has a tail.
LOG_FILE_MIB = 5
LOG_FILES = 2

#: Log options that both engines know; Podman has one file and ignores the second.
LOG_CONFIG: Mapping[str, Json] = {
    "Type": "json-file",
    "Config": {"max-size": f"{LOG_FILE_MIB}m", "max-file": str(LOG_FILES)},
}


def container_payload(spec: ContainerSpec) -> dict[str, Json]:
    """The body of ``POST /containers/create`` for *spec*."""
    settings = spec.settings
    payload: dict[str, Json] = {
        "Image": spec.image_id,
        "Env": _environment({**settings.environment, **spec.extra_environment}),
        "Labels": dict(spec.labels),
        "Tty": False,
        "OpenStdin": False,
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "ExposedPorts": {_port(port): {} for port in settings.ports},
        "Volumes": {path: {} for path in settings.volumes},
        "HostConfig": host_config(settings, network=spec.network) | _weakened(spec),
        "NetworkingConfig": {"EndpointsConfig": {spec.network: {"Aliases": [*spec.aliases]}}},
    }
    if settings.command:
        payload["Cmd"] = [*settings.command]
    if spec.entrypoint:
        payload["Entrypoint"] = [*spec.entrypoint]
    if settings.user:
        payload["User"] = settings.user
    return payload


def host_config(settings: RunSettings, *, network: str) -> dict[str, Json]:
    """The part of the payload that says what the container may do to its host."""
    config: dict[str, Json] = {
        "NetworkMode": network,
        "Privileged": False,
        "Binds": [],
        "CapDrop": ["ALL"],
        "CapAdd": [*settings.capabilities],
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": settings.read_only,
        "Memory": settings.memory_bytes,
        # The same as memory: no swap on top.
        "MemorySwap": settings.memory_bytes,
        "PidsLimit": settings.pids,
        "Tmpfs": dict(settings.tmpfs),
        "LogConfig": dict(LOG_CONFIG),
        "PortBindings": _bindings(settings.ports),
        "PublishAllPorts": False,
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        # Some engines add an init of their own by default; the service is to run as it is.
        "Init": False,
    }
    if settings.shm_bytes:
        config["ShmSize"] = settings.shm_bytes
    return config


def _weakened(spec: ContainerSpec) -> dict[str, Json]:
    """What stands in place of the profile's own where a saboteur is at work."""
    config: dict[str, Json] = {}
    if Weakening.LOG in spec.weakened:
        config["LogConfig"] = {"Type": LOG_CONFIG["Type"], "Config": {}}
    if Weakening.PORTS in spec.weakened:
        config["PortBindings"] = {
            _port(port): [{"HostIp": "0.0.0.0", "HostPort": ""}]  # noqa: S104 - that is the wrong
            for port in spec.settings.ports
        }
    return config


def _bindings(ports: Sequence[Port]) -> dict[str, Json]:
    return {_port(port): [{"HostIp": "127.0.0.1", "HostPort": ""}] for port in ports}


def _port(port: Port) -> str:
    return f"{port.container}/tcp"


def _environment(variables: Mapping[str, str]) -> list[Json]:
    return [f"{name}={value}" for name, value in variables.items()]
