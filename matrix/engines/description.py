"""What an engine says about itself, in facts and deviations. Pure.

Source: ``GET /info`` and ``GET /version`` of the Engine API; Podman answers both in the same form.
"""

from collections.abc import Mapping
from typing import Any

from matrix.core.ports import EngineInfo, ImageInfo
from matrix.core.result import Fact

# Answers of the engine are foreign JSON: whatever is there, and nothing is there for sure.
Answer = Mapping[str, Any]

#: ``uname -m`` → OCI, where the engine does not use OCI's word itself.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}

#: Fact → key of /info.
_INFO_FACTS = {
    "engine.storage_driver": "Driver",
    "engine.cgroup_driver": "CgroupDriver",
    "engine.cgroup_version": "CgroupVersion",
    "engine.memory_limit": "MemoryLimit",
    "engine.swap_limit": "SwapLimit",
    "engine.pids_limit": "PidsLimit",
    "engine.cpu_limit": "CpuCfsQuota",
    "engine.live_restore": "LiveRestoreEnabled",
    "engine.runtime": "DefaultRuntime",
    "engine.root": "DockerRootDir",
}

#: Fact → what is missing of the run profile where the engine says no.
_MISSING = {
    "engine.memory_limit": "it cannot limit a container's memory: the limit is ignored",
    "engine.swap_limit": "it cannot limit a container's swap: only memory without swap is capped",
    "engine.pids_limit": "it cannot limit the number of a container's processes",
}


def engine_info(name: str, info: Answer, version: Answer, own: tuple[str, ...]) -> EngineInfo:
    """The description of engine *name*; *own* are the deviations every engine of the name has."""
    facts: dict[str, Fact] = {fact: _scalar(info.get(key)) for fact, key in _INFO_FACTS.items()}
    security = [_security_name(option) for option in info.get("SecurityOptions") or []]
    facts |= {
        "engine.name": name,
        "engine.version": _scalar(version.get("Version")),
        "engine.api": _scalar(version.get("ApiVersion")),
        "engine.min_api": _scalar(version.get("MinAPIVersion")),
        "engine.runtime_version": _runtime_version(version, str(facts["engine.runtime"])),
        "engine.rootless": "rootless" in security,
        "engine.pause": not ("rootless" in security and facts["engine.cgroup_version"] == "1"),
        "engine.security_options": ",".join(security),
        "engine.id": _identity(name, info),
        "engine.warnings": "; ".join(str(one) for one in info.get("Warnings") or []),
    }
    return EngineInfo(
        id=_identity(name, info),
        architecture=architecture(info, version),
        root=str(info.get("DockerRootDir", "")),
        facts=facts,
        deviations=(*own, *_deviations(facts, security)),
    )


def architecture(info: Answer, version: Answer) -> str:
    """The machine's architecture in OCI words, which are Go's, as the engine may give it itself."""
    said = str(version.get("Arch") or info.get("Architecture") or "")
    return ARCHITECTURES.get(said, said)


def image_info(answer: Answer) -> ImageInfo:
    """An image from the answer to ``GET /images/{name}/json``."""
    config = answer.get("Config") or {}
    return ImageInfo(
        id=full_id(str(answer.get("Id", ""))),
        architecture=str(answer.get("Architecture", "")),
        size_bytes=int(answer.get("Size") or 0),
        digests=tuple(answer.get("RepoDigests") or ()),
        layers=tuple((answer.get("RootFS") or {}).get("Layers") or ()),
        labels=dict(config.get("Labels") or {}),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
    )


def full_id(said: str) -> str:
    """An image id with its algorithm, which Podman leaves out in some answers."""
    return said if not said or ":" in said else f"sha256:{said}"


def _deviations(facts: Mapping[str, Fact], security: list[str]) -> tuple[str, ...]:
    missing = [words for fact, words in _MISSING.items() if facts[fact] is False]
    if facts["engine.rootless"] and facts["engine.cgroup_version"] == "1":
        missing.append("rootless on cgroup v1 it accepts a container's limits and ignores them")
        missing.append("rootless on cgroup v1 it cannot pause a container")
    if "seccomp" not in security:
        missing.append("it runs containers without a seccomp profile")
    return tuple(missing)


def _identity(name: str, info: Answer) -> str:
    """Podman makes up a new ID for every answer, so its machine and root folder stand for it."""
    if name == "podman":
        return f"podman:{info.get('Name', '')}:{info.get('DockerRootDir', '')}"
    return str(info.get("ID", ""))


def _security_name(option: str) -> str:
    """``name=seccomp,profile=default`` → ``seccomp``."""
    first = str(option).split(",", 1)[0]
    return first.removeprefix("name=")


def _runtime_version(version: Answer, runtime: str) -> Fact:
    """Docker: ``runc``, ``1.1.5``; Podman: ``OCI Runtime (crun)``, ``crun version 1.21 …``."""
    for part in version.get("Components") or []:
        if str(part.get("Name", "")) in {runtime, f"OCI Runtime ({runtime})"}:
            first_line = str(part.get("Version", "")).split("\n", 1)[0]
            return first_line.rsplit(" ", 1)[-1]
    return None


def _scalar(value: object) -> Fact:
    return value if isinstance(value, str | int | float | bool) else None
