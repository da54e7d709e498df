"""Facts and what is asked of them, in words for somebody who runs servers. Pure."""

from collections.abc import Sequence

from matrix.core.model import Requirement
from matrix.core.requirements import spelled, version
from matrix.core.text import size_text

#: ``_bytes`` ends the name of every fact that is a number of bytes.
BYTES = "_bytes"
#: Version of the engine's interface → first Docker that has it (docs.docker.com, API history).
DOCKERS = {
    **{"1.40": "19.03", "1.41": "20.10", "1.42": "23.0", "1.43": "24.0", "1.44": "25.0"},
    **{"1.45": "26.0", "1.46": "27.0"},
}
PROCESSORS = {"amd64": "64-bit Intel or AMD (amd64)", "arm64": "64-bit ARM (arm64)"}

#: Fact → topic and words, "{}" for what is asked; of any other its name stands for itself.
FACTS = {
    "architecture": ("processor", "processor: {}"),
    "cpus": ("processor", "processors: {}"),
    "memory_bytes": ("memory", "memory that may be used: {}"),
    "free_disk_bytes": ("disk", "free space on the engine's disk: {}"),
    "kernel": ("kernel", "Linux kernel: {}"),
    "cgroup_version": ("control groups", "version of the kernel's control groups: {}"),
    "engine.api": ("engine", "the engine's interface (API): {}"),
    "engine.version": ("engine", "the engine's version: {}"),
    "engine.memory_limit": ("control groups", "the engine can limit the memory of a container"),
    "engine.swap_limit": ("control groups", "the engine can limit the swap of a container"),
    "engine.pids_limit": ("control groups", "the engine can limit a container's processes"),
    "engine.cpu_limit": ("control groups", "the engine can measure and limit processor time"),
    "engine.pause": ("control groups", "the engine can freeze a container and let it go on"),
}
#: Beginning of a fact's name → the same.
FACT_GROUPS = {
    "sysctl.": ("kernel", "kernel setting {name}: {}"),
    "tool.": ("programs", "program {name} on the server: {}"),
    "engine.": ("engine", "{name} of the engine: {}"),
}


def strictest(asked: Sequence[Requirement]) -> Requirement:
    """Of several with one fact and operator the one that implies the others, as far as one does."""
    first = asked[0]
    if first.operator == "in":
        common = [one for one in _listed(first) if all(one in _listed(other) for other in asked)]
        return Requirement(fact=first.fact, operator="in", asked=tuple(common))
    if first.operator in (">=", "<="):
        return sorted(asked, key=_weight, reverse=first.operator == ">=")[0]
    return first


def topic_and_words(fact: str) -> tuple[str, str]:
    """Topic and words of a fact."""
    if fact in FACTS:
        return FACTS[fact]
    for beginning, (topic, words) in FACT_GROUPS.items():
        if fact.startswith(beginning):
            return topic, words.replace("{name}", fact.removeprefix(beginning))
    return "kernel", f"{fact}: {{}}"


def sentence(fact: str, one: Requirement) -> str:
    """What is asked of a fact, as a line for people."""
    if one.operator == "in" and not one.asked:
        return f"no one server: the services ask for different {fact}"
    words = topic_and_words(fact)[1]
    return words.replace("{}", value(one)) if one.asked is not False else f"not: {words}"


def value(one: Requirement) -> str:
    """What is asked, in words: ``at least 512 MiB``."""
    if isinstance(one.asked, tuple):
        return " or ".join(PROCESSORS.get(each, each) for each in one.asked)
    known = size_text(int(one.asked)) if one.fact.endswith(BYTES) else spelled(one.asked)
    docker = DOCKERS.get(str(one.asked)) if one.fact == "engine.api" else None
    words = {">=": "at least ", "<=": "at most "}.get(one.operator, "")
    return f"{words}{known}" + (f", which Docker {docker} and later have" if docker else "")


def _listed(one: Requirement) -> tuple[str, ...]:
    return one.asked if isinstance(one.asked, tuple) else ()


def _weight(one: Requirement) -> tuple[float, ...]:
    return (one.asked,) if isinstance(one.asked, int | float) else version(str(one.asked)) or ()
