"""Things put wrong on purpose, to see probes fail. Values only; ``loading`` reads them.

| acts              | by                                                       | on              |
|-------------------|----------------------------------------------------------|-----------------|
| before the start  | settings, clock, wrap, weakened, aliases                  | the target      |
|                   | without                                                  | companions      |
| inside, when ready | command                                                  | the target      |
| outside           | answers: what the engine says, and does not do            | every container |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from matrix.core.model import RunSettings, Start
from matrix.core.result import Json


class Weakening(Enum):
    """A guard that may be taken away; those that keep a container off its host may not."""

    #: The log has no largest size.
    LOG = "log"
    #: Ports are published on every address of the host.
    PORTS = "ports"


class Need(Enum):
    """What a service must declare for a saboteur to make sense."""

    PORTS = "ports"
    VOLUMES = "volumes"
    COMPANIONS = "companions"


#: In the environment of a wrapped start: the target's volumes, with a blank between.
VOLUMES = "MATRIX_VOLUMES"

#: Verbs of the ``container`` fixture that can be answered without being done.
ANSWERED = (
    "attach",
    "copy_out",
    "exec",
    "inspect",
    "kill",
    "logs",
    "pause",
    "restart",
    "start",
    "state",
    "stats",
    "stop",
    "unpause",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Saboteur:
    """One thing put wrong for one service, and the probes that must notice."""

    name: str
    #: ``<folder>/<file>::<function>`` each, for all parameters of the function.
    probes: tuple[str, ...]
    #: Name of the companion it acts on, "" for the service.
    target: str
    #: Of the target, with what is wrong; None leaves them as declared.
    settings: RunSettings | None
    #: How far its clock is off, as libfaketime has it, e.g. ``+3d``; "" for not at all.
    clock: str
    #: Shell line run in place of the target's own start, which it has as ``"$@"``; "" for none.
    wrap: str
    #: Companions that are not started: those of these times.
    without: frozenset[Start]
    weakened: frozenset[Weakening]
    #: The target's names on its network; None leaves them.
    aliases: tuple[str, ...] | None
    #: Run by ``sh`` in the target before the probes, and must exit 0; "" for none.
    command: str
    #: Verb → answer.
    answers: Mapping[str, Json]

    @property
    def leaves_containers_alone(self) -> bool:
        """Whether its containers are as good as new ones for the next saboteur."""
        touches = (self.settings, self.clock, self.wrap, self.without, self.weakened, self.command)
        return self.aliases is None and not any(touches)

    def names(self, probe: str) -> bool:
        """Whether the probe of this id is one it is for."""
        return probe.partition("[")[0] in self.probes
