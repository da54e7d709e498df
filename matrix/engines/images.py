"""Images of a Docker or Podman engine: named by id or digest, never by a tag of ours."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import takewhile
from typing import Any

from matrix.core.errors import (
    DeadlineExceeded,
    DeliveryFailed,
    MatrixError,
    PullFailed,
    WrongArchitecture,
)
from matrix.core.ports import ImageInfo, Progress
from matrix.engines.api import Api, error_in, quoted
from matrix.engines.description import image_info
from matrix.engines.faults import judge, translated

#: Pieces an archive is sent in: small, so that a slow line shows a sign of life in time.
SEND_BYTES = 16 * 1024
#: What an engine says of a layer that has come.
COMPLETE = ("Verifying Checksum", "Download complete", "Extracting", "Pull complete")
#: Images of a host that are looked at for layers in common.
LOOKED_AT = 200


class ImageVerbs:
    """``ports.Images``."""

    _api: Api

    def inspect_image(self, reference: str) -> ImageInfo | None:
        """The image, or None when the engine has none of that id, digest or tag."""
        answer = self._api.find("image", reference)
        return None if answer is None else image_info(answer)

    def pull_image(
        self, reference: str, *, architecture: str, seconds: float, progress: Progress
    ) -> ImageInfo:
        """Pull ``repository@sha256:…`` anonymously; *progress* may raise to stop it.

        Anything the registry or the engine says against it raises, whatever the engine has under
        the same name: PullFailed, WrongArchitecture, DiskFull.
        """
        repository, at, digest = reference.partition("@")
        if not at or not digest.startswith("sha256:"):
            raise PullFailed(f"{reference}: an image is pulled by digest only")
        what = f"pulling {reference} for {architecture}"
        layers, began = _Layers(), time.monotonic()
        try:
            with (
                translated(what, otherwise=PullFailed),
                self._ask_for(repository, digest, architecture, seconds) as messages,
            ):
                _watch_pull(messages, layers, what, progress)
        except DeadlineExceeded as error:
            if layers.retrying:
                waited = time.monotonic() - began
                raise PullFailed(
                    f"{what}: the registry still failed after {waited:.0f} s"
                ) from error
            raise
        image = self.inspect_image(reference)
        if image is None:
            raise PullFailed(f"{what}: the engine says it is done but does not have it")
        if image.architecture != architecture:
            raise WrongArchitecture(
                f"{reference} is made for {image.architecture}, the host is {architecture}"
            )
        return image

    def load_image(self, archive: Iterable[bytes], image_id: str, *, seconds: float) -> ImageInfo:
        """Load an archive that holds *image_id*; what the engine prints about it is not believed.

        Raises DiskFull, DeliveryFailed, and whatever *archive* raises.
        """
        pieces, said = _Pieces(archive), list[str]()
        try:
            with (
                translated(f"loading {image_id}", otherwise=DeliveryFailed),
                self._api.post_stream(
                    "images/load", iter(pieces), seconds=seconds, quiet=0
                ) as messages,
            ):
                said = [error for message in messages if (error := error_in(message))]
        except MatrixError:
            # The cause is what broke the archive, not the engine that got half of one.
            if pieces.fault is not None:
                raise pieces.fault from None
            raise
        if said:
            words = "; ".join(said)
            raise judge(words, DeliveryFailed)(f"loading {image_id}: {words}")
        image = self.inspect_image(image_id)
        if image is None or image.id != image_id:
            raise DeliveryFailed(f"{image_id}: the archive was loaded but the image is not there")
        return image

    def known_layers(self, layers: Sequence[str]) -> frozenset[str]:
        """Those of *layers* that the engine has in this order, from the lowest on.

        It looks a layer up by what lies below it too, so one that an image has elsewhere in its
        list is not known. Of a host with more than LOOKED_AT images the rest is not looked at.
        """
        if not self._api.dialect.loads_parts:
            return frozenset()
        with translated("listing images"):
            ids = [str(one.get("Id", "")) for one in self._api.ask_all("images/json")]
        images = (self.inspect_image(one) for one in ids[:LOOKED_AT])
        known = max((_in_common(layers, one.layers) for one in images if one), default=0)
        # A layer may be in the list twice, and then the upper one is asked for by its content.
        return frozenset(layers[:known]) - frozenset(layers[known:])

    def save_image(self, image_id: str, *, seconds: float) -> Iterator[bytes]:
        """The image as an archive without tags, for it is saved by its id."""
        with (
            translated(f"saving {image_id}", otherwise=DeliveryFailed),
            self._api.read(f"images/{quoted(image_id)}/get", seconds=seconds) as body,
        ):
            yield from body.pieces

    def _ask_for(
        self, repository: str, digest: str, architecture: str, seconds: float
    ) -> AbstractContextManager[Iterator[Mapping[str, Any]]]:
        return self._api.post_stream(
            "images/create",
            None,
            seconds=seconds,
            fromImage=repository,
            tag=digest,
            platform=f"linux/{architecture}",
        )


def _in_common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many layers two images share, from the lowest on."""
    pairs = zip(ours, theirs, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _watch_pull(
    messages: Iterator[Mapping[str, Any]], layers: "_Layers", what: str, progress: Progress
) -> None:
    """Read a pull to its end; the engine says "200 OK" before it knows, so errors are in here."""
    for message in messages:
        if words := error_in(message):
            raise judge(words, PullFailed)(f"{what}: {words}")
        layers.note(message)
        # Of every message, for whoever is told may want to stop an engine that tries once more.
        progress(sent_bytes=layers.done, total_bytes=layers.total or None)


class _Layers:
    """How far the layers of a pull are, by the engine's progress messages."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        #: Bytes of a layer that were still to come when it last failed; gone once it gets further.
        #: What came is no measure: the engine counts from 0 again where it goes on.
        self._failed: dict[str, float] = {}

    @property
    def retrying(self) -> bool:
        """Whether a layer failed and has not got further since.

        The last message alone does not tell: each new try begins as if nothing had happened.
        """
        return bool(self._failed)

    def note(self, message: Mapping[str, Any]) -> None:
        """Take one message in."""
        status, layer = str(message.get("status", "")), str(message.get("id"))
        if status.startswith("Retrying"):
            known = self._layers.get(layer)
            self._failed[layer] = math.inf if known is None else known[1] - known[0]
        elif status in COMPLETE:
            self._failed.pop(layer, None)
        detail = message.get("progressDetail")
        if status != "Downloading" or not isinstance(detail, dict):
            return
        current, total = detail.get("current"), detail.get("total")
        if isinstance(current, int) and isinstance(total, int):
            self._layers[layer] = (current, total)
            if current and total - current < self._failed.get(layer, 0):
                del self._failed[layer]

    @property
    def done(self) -> int:
        """Bytes so far."""
        return sum(current for current, _ in self._layers.values())

    @property
    def total(self) -> int:
        """Bytes of the layers known so far; it grows while layers are being found."""
        return sum(total for _, total in self._layers.values())


class _Pieces:
    """An archive in small pieces, which remembers what broke it."""

    def __init__(self, archive: Iterable[bytes]) -> None:
        self._archive = archive
        self.fault: MatrixError | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._archive:
                for start in range(0, len(piece), SEND_BYTES):
                    yield piece[start : start + SEND_BYTES]
        except MatrixError as error:
            self.fault = error
            raise
