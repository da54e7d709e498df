"""The two controls of every cell: a nonce we planted is seen, one we did not plant is not.

They are probes like any other, shipped with the package. Whichever side they look from, their ids
are the same: a plan names the inside ones, and for a container without a shell the outside ones
take their place, ``controls(Side.OUTSIDE)``.
"""

from pathlib import Path

from matrix.core.result import PlannedProbe, Side
from matrix.probing.sources import Source

HERE = Path(__file__).with_name("control")
GROUP = "mx-control"
TITLES = {
    "planted_nonce_is_seen": "What was planted in the container is seen in it",
    "unplanted_nonce_is_not_seen": "What was not planted is not seen",
}


def controls(side: Side) -> tuple[PlannedProbe, ...]:
    """Both controls, looking from *side*."""
    return tuple(
        PlannedProbe(id=f"control/{name}", side=side, title=title, file=_file(side))
        for name, title in TITLES.items()
    )


def control_sources() -> tuple[Source, ...]:
    """Their files, to be copied beside the probes'."""
    return tuple(
        Source(file=_file(side), place=f"{GROUP}/{side.value}/{_file(side).name}") for side in Side
    )


def _file(side: Side) -> Path:
    return HERE / side.value / "test_control.py"
