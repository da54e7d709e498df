"""What the ``service`` and ``environment`` fixtures of a probe show: read-only, no secrets."""

from collections.abc import Mapping

from matrix.core.model import Environment, Service
from matrix.core.result import Json
from matrix.execution.host import HostSession


def service_metadata(service: Service, image_id: str) -> Mapping[str, Json]:
    """What a probe may know about the service it looks at."""
    settings = service.settings
    return {
        "name": service.name,
        "title": service.title,
        "contents": service.contents,
        "image_id": image_id,
        "ports": {port.name: port.container for port in settings.ports},
        "user": settings.user,
        "capabilities": list(settings.capabilities),
        "read_only": settings.read_only,
        "memory_bytes": settings.memory_bytes,
        "pids": settings.pids,
        "tmpfs": dict(settings.tmpfs),
        "volumes": list(settings.volumes),
        "stop_grace_seconds": settings.stop_grace_seconds,
        "ready_seconds": settings.readiness.timeout_seconds,
        "companions": [companion.name for companion in service.companions],
    }


def environment_metadata(environment: Environment, session: HostSession) -> Mapping[str, Json]:
    """What a probe may know about the place it runs in."""
    return {
        "name": environment.name,
        "title": environment.title,
        "kind": environment.kind.value,
        "engine": environment.engine_on(session.host),
        "host": session.host.name,
        "labels": dict(environment.labels),
        "facts": dict(session.facts),
    }
