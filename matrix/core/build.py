"""What is known of the images that are built on this machine. Values only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ImageState(Enum):
    """How an image on the local engine compares with the files it is built from."""

    #: Built from the files as they are now.
    CURRENT = "current"
    #: Built from other files than those there are now.
    STALE = "stale"
    #: Never built here, or removed since.
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageStatus:
    """One image of the catalogue as the local engine has it."""

    #: Its name in the catalogue.
    name: str
    state: ImageState
    #: ``sha256:…``, "" when it is missing.
    id: str
    #: 0 when it is missing.
    size_bytes: int
    #: When the engine made it, by the engine's clock; None when it is missing.
    created_at: datetime | None
    #: Digest of the files it would be built from now; "" for an image that is only pulled.
    inputs: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildEvent:
    """One step of a build, for whoever watches."""

    #: Name of the image, or ``base:<name>``.
    image: str
    #: For people, one line, harmless to print.
    text: str
    #: Which step of how many; 0 of 0 where there are no steps.
    step: int = 0
    steps: int = 0


BuildWatcher = Callable[[BuildEvent], None]
