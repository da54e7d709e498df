"""What a kit says about itself: ``kit.json``, checked before anything else of it is believed."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from matrix.core.errors import Refused

FORMAT = 1
CAP_BYTES = 1024 * 1024

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Version = Annotated[str, Field(max_length=40)]


class Manifest(BaseModel):
    """One kit: for whom, until when, and the digests of what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)]
    #: Environment of the sender that the result is for.
    customer: Name
    title: Annotated[str, Field(max_length=200)]
    #: Told apart from every other kit by this; a result must bring it back.
    nonce: Hex
    built_at: AwareDatetime
    expires_at: AwareDatetime
    version: Version
    architecture: Annotated[str, Field(max_length=20)]
    services: Annotated[tuple[Name, ...], Field(min_length=1, max_length=200)]
    #: Image name → id.
    images: dict[Name, Digest]
    #: Id of the image that the runner can run in; "" when the kit has none.
    runner_image: Digest | Annotated[str, Field(max_length=0)]
    #: Service → digest of its probes.
    probes: dict[Name, str]
    #: File in the kit → SHA-256 of its content, but for this one.
    files: dict[str, Hex]

    def is_over(self, now: datetime) -> bool:
        """Whether the kit may no longer be used."""
        return now >= self.expires_at


def read_manifest(data: bytes) -> Manifest:
    """Raises Refused for what is no manifest of a kit."""
    if len(data) > CAP_BYTES:
        raise Refused("the kit's description is too large")
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:200]
        raise Refused(f"the kit's description is not right at {where}: {first['msg']}") from error
