"""How a container of ours is written down as a swarm service of one task. Pure.

Source: ``POST /services/create`` of the Engine API. It is the run profile of ``profile`` as far as
a service can carry it; what it cannot is in DEVIATIONS.
"""

import re
from collections.abc import Mapping
from typing import Any

from matrix.core.errors import StartRefused
from matrix.core.model import RunSettings
from matrix.core.ports import ContainerSpec
from matrix.core.result import Json
from matrix.core.saboteur import Weakening
from matrix.engines.profile import LOG_CONFIG

# Answers of the engine are foreign JSON: whatever is there, and nothing is there for sure.
Answer = Mapping[str, Any]

NANOSECONDS = 1_000_000_000
#: The first version in which a service can forbid new privileges (API history, v1.44).
NO_NEW_PRIVILEGES_FROM = (1, 44)
DEVIATIONS = (
    "it publishes ports on every address of the node: a service cannot name one",
    "it restarts a service as a new container: what was written outside its volumes is gone",
)
NO_PRIVILEGES_DEVIATION = "it is too old to forbid a service new privileges"
_SIZE = re.compile(r"(\d+)([kmg]?)b?")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def service_payload(spec: ContainerSpec, *, node: str) -> dict[str, Json]:
    """The body of ``POST /services/create``: placed on *node*, and not started yet.

    Raises StartRefused for options of a tmpfs that a service cannot have.
    """
    return {
        "Name": spec.name,
        "Labels": dict(spec.labels),
        "TaskTemplate": {
            "ContainerSpec": _container(spec),
            "Resources": {
                "Limits": {
                    "MemoryBytes": spec.settings.memory_bytes,
                    "Pids": spec.settings.pids,
                }
            },
            "RestartPolicy": {"Condition": "none", "Delay": 0, "MaxAttempts": 0},
            "Placement": {"Constraints": [f"node.id=={node}"]},
            "Networks": [{"Target": spec.network, "Aliases": [*spec.aliases]}],
            "LogDriver": {
                "Name": LOG_CONFIG["Type"],
                "Options": {} if Weakening.LOG in spec.weakened else LOG_CONFIG["Config"],
            },
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {"Replicas": 0}},
        "UpdateConfig": {"Parallelism": 1, "FailureAction": "continue", "Order": "stop-first"},
        # Each task's own address instead of a virtual one: that needs IPVS in every kernel.
        "EndpointSpec": {
            "Mode": "dnsrr",
            "Ports": [
                {"Protocol": "tcp", "TargetPort": port.container, "PublishMode": "host"}
                for port in spec.settings.ports
            ],
        },
    }


def started(spec: Answer) -> dict[str, Any]:
    """The service's *spec* as it asks for a new task, whatever became of the one before."""
    template = dict(spec["TaskTemplate"])
    template["ForceUpdate"] = int(template.get("ForceUpdate") or 0) + 1
    return {**spec, "TaskTemplate": template, "Mode": {"Replicated": {"Replicas": 1}}}


def volumes_of(service: Answer) -> tuple[str, ...]:
    """Names of the volumes that were declared for *service*."""
    container = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    mounts = container.get("Mounts") or ()
    return tuple(str(one["Source"]) for one in mounts if one.get("Type") == "volume")


def _container(spec: ContainerSpec) -> dict[str, Json]:
    settings = spec.settings
    variables = {**settings.environment, **spec.extra_environment}
    payload: dict[str, Json] = {
        "Image": spec.image_id,
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "Labels": dict(spec.labels),
        "Init": False,
        "ReadOnly": settings.read_only,
        "CapabilityDrop": ["ALL"],
        "CapabilityAdd": [*settings.capabilities],
        "Privileges": {"NoNewPrivileges": True},
        "StopGracePeriod": round(settings.stop_grace_seconds * NANOSECONDS),
        "Mounts": [*_volumes(spec), *_tmpfs(settings)],
    }
    if spec.entrypoint:
        payload["Command"] = [*spec.entrypoint]
    if settings.command:
        payload["Args"] = [*settings.command]
    if settings.user:
        payload["User"] = settings.user
    return payload


def _volumes(spec: ContainerSpec) -> list[Json]:
    """Named, so that the next task of the service finds what the one before has left."""
    return [
        {
            "Type": "volume",
            "Source": f"{spec.name}-{number}",
            "Target": path,
            "VolumeOptions": {"Labels": dict(spec.labels)},
        }
        for number, path in enumerate(spec.settings.volumes)
    ]


def _tmpfs(settings: RunSettings) -> list[Json]:
    mounts = {path: _tmpfs_options(path, options) for path, options in settings.tmpfs.items()}
    if settings.shm_bytes:
        mounts["/dev/shm"] = {"SizeBytes": settings.shm_bytes}  # noqa: S108  # in the container
    return [
        {"Type": "tmpfs", "Target": path, "TmpfsOptions": options}
        for path, options in mounts.items()
    ]


def _tmpfs_options(path: str, options: str) -> dict[str, Json]:
    """``size=16m,mode=1777`` as a service has it: it knows these two words."""
    found: dict[str, Json] = {}
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        size = _SIZE.fullmatch(value.lower())
        if name == "size" and size:
            found["SizeBytes"] = int(size[1]) * _UNITS[size[2]]
        elif name == "mode" and value.isdigit():
            found["Mode"] = int(value, 8)
        else:
            raise StartRefused(f"tmpfs {path}: a swarm service cannot have the option {option}")
    return found
