"""Whether containers work on a host at all, tried with one that cannot be at fault itself."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from matrix.core.errors import EngineError, MatrixError, NameConflict, StoreError, Unhealthy
from matrix.core.model import CellId, RunSettings
from matrix.core.names import NONCE, object_labels, object_name
from matrix.core.ports import ContainerSpec, Engine, ImageInfo, Progress, Stream
from matrix.core.store_ports import Intent, Journal
from matrix.delivery.deliver import Disk, Wanted, deliver
from matrix.delivery.golden import golden_archive

SETTINGS = RunSettings(memory_bytes=32 * 1024 * 1024, pids=32, stop_grace_seconds=2.0)
#: Seconds for the golden container's answer, which takes milliseconds on a healthy host.
ANSWER_SECONDS = 10.0
#: Seconds for two megabytes to get there, over the slowest line that is any use.
IMAGE_SECONDS = 120.0
#: The most that is kept of an answer that is not the one expected.
ANSWER_CAP_BYTES = 4096
#: Tells the nonce once the container's own name is resolved; ends within ANSWER_SECONDS either way.
RESOLVE = (
    "for i in 1 2 3; do /bin/busybox timeout 2 /bin/busybox nslookup golden >/dev/null 2>&1 "
    f'&& echo "${NONCE}" && exit; sleep 0.2; done'
)


def check_health(
    engine: Engine,
    *,
    run: str,
    token: str,
    environment: str,
    host: str,
    journal: Journal,
    disk: Disk,
) -> None:
    """Run the golden image under the run profile, on a network of its own, and remove it again.

    It must start, hand back a nonce through a command run in it, stop when told to, and be gone
    afterwards; the image stays. Raises Unhealthy with the step that failed and why, and StoreError.
    """
    intent = Intent(run=run, cell=None, environment=environment, host=host, kind="", name="")
    trial = _Trial(
        engine=engine, journal=journal, token=token, intent=intent, nonce=secrets.token_hex(8)
    )
    with trial.step("bringing the golden image"):
        image = trial.bring_image(disk)
    with trial.network() as network, trial.container(image.id, network) as container:
        with trial.step("starting a container"):
            engine.control(container, "start")
        with trial.step("running a command in a container"):
            trial.expect_nonce(container)
        with trial.step("stopping a container"):
            engine.control(container, "stop", seconds=SETTINGS.stop_grace_seconds)


def check_names(
    engine: Engine,
    *,
    run: str,
    token: str,
    environment: str,
    host: str,
    journal: Journal,
    disk: Disk,
) -> None:
    """Whether a container is resolved by its name at this moment, tried with the golden image.

    For an engine whose names are served by a process apart, which may hang while containers start
    and run well. Raises Unhealthy with the step that failed and why, and StoreError.
    """
    intent = Intent(run=run, cell=None, environment=environment, host=host, kind="", name="")
    trial = _Trial(
        engine=engine, journal=journal, token=token, intent=intent, nonce=secrets.token_hex(8)
    )
    with trial.step("bringing the golden image"):
        image = trial.bring_image(disk)
    with trial.network() as network, trial.container(image.id, network) as container:
        with trial.step("starting a container"):
            engine.control(container, "start")
        with trial.step("resolving a container's own name"):
            trial.expect_name(container)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    engine: Engine
    journal: Journal
    token: str
    #: Run, environment and host; kind and name are those of each object.
    intent: Intent
    nonce: str

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Whatever fails there makes the host unhealthy, and *what* says where."""
        try:
            yield
        except StoreError:
            raise
        except MatrixError as error:
            raise Unhealthy(f"host {self.intent.host}: {what}: {error}") from error

    def bring_image(self, disk: Disk) -> ImageInfo:
        """The golden image for the host's own architecture."""
        architecture = self.engine.describe().architecture
        image_id, archive = golden_archive(architecture)
        return deliver(
            Wanted(image_id=image_id, reference="", architecture=architecture),
            target=self.engine,
            source=_OneImage(image_id=image_id, architecture=architecture, archive=archive),
            journal=self.journal,
            intent=self.intent,
            disk=disk,
            progress=_unwatched,
            seconds=IMAGE_SECONDS,
        )

    @contextmanager
    def network(self) -> Iterator[str]:
        """A network, removed at the end; its name."""
        name = self._name("net")
        with self._made("network", name, lambda labels: self._create_network(name, labels)):
            yield name

    @contextmanager
    def container(self, image_id: str, network: str) -> Iterator[str]:
        """A container of the image, removed at the end; its id."""
        name = self._name("")

        def create(labels: Mapping[str, str]) -> str:
            spec = ContainerSpec(
                name=name,
                image_id=image_id,
                network=network,
                aliases=("golden",),
                labels=labels,
                settings=SETTINGS,
                extra_environment={NONCE: self.nonce},
            )
            return self.engine.create_container(spec)

        with self._made("container", name, create) as identity:
            yield identity

    def expect_nonce(self, container: str) -> None:
        """Run a command that tells the nonce; raises EngineError for another answer."""
        answer = self._answer(container, f'echo "${NONCE}"')
        if answer != self._expected:
            raise EngineError(f"expected was {self.nonce}, the answer is {answer!r}")

    def expect_name(self, container: str) -> None:
        """Have it look up its own name; raises EngineError when that is not resolved."""
        if self._answer(container, RESOLVE) != self._expected:
            raise EngineError(
                "the engine's name service does not answer for containers that start now. If it is "
                "Podman, its aardvark-dns hangs or is missing: once no container runs there, end "
                "that process, and the engine starts another"
            )

    @property
    def _expected(self) -> bytes:
        return self.nonce.encode() + b"\n"

    def _answer(self, container: str, command: str) -> bytes:
        stream = self.engine.open_exec(container, ["sh", "-c", command])
        try:
            return _read(stream)
        finally:
            stream.close()

    @contextmanager
    def _made(
        self, kind: str, name: str, make: Callable[[Mapping[str, str]], str]
    ) -> Iterator[str]:
        with self.step(f"making a {kind}"):
            entry, identity = self._make(kind, name, make)
        try:
            yield identity
        except BaseException:
            # What went wrong first is what matters; the journal keeps what stays behind.
            with suppress(MatrixError):
                self._remove(kind, identity, entry)
            raise
        with self.step(f"removing a {kind}"):
            self._remove(kind, identity, entry)

    def _make(
        self, kind: str, name: str, make: Callable[[Mapping[str, str]], str]
    ) -> tuple[int, str]:
        entry = self.journal.intend(replace(self.intent, kind=kind, name=name))
        try:
            identity = make(object_labels(self.intent.run, self.token, None, kind))
        except NameConflict:
            # Somebody else's object: it was never ours to remove.
            self.journal.forget(entry)
            raise
        self.journal.confirm(entry, identity)
        return entry, identity

    def _remove(self, kind: str, identity: str, entry: int) -> None:
        self.engine.remove_object(kind, identity)
        self.journal.forget(entry)

    def _create_network(self, name: str, labels: Mapping[str, str]) -> str:
        return self.engine.create_network(name, labels=labels)

    def _name(self, part: str) -> str:
        cell = CellId(service="health", environment=self.intent.environment)
        return object_name(
            self.intent.run, cell, 0, "-".join(filter(None, (self.intent.host, part)))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _OneImage:
    """``ports.Images`` with a single image that is held in memory."""

    image_id: str
    architecture: str
    archive: bytes

    def inspect_image(self, reference: str) -> ImageInfo | None:
        """The one image, by its id."""
        if reference != self.image_id:
            return None
        return ImageInfo(
            id=self.image_id, architecture=self.architecture, size_bytes=len(self.archive)
        )

    def pull_image(
        self, reference: str, *, architecture: str, seconds: float, progress: Progress
    ) -> ImageInfo:
        """Nothing is pulled into memory."""
        del seconds
        raise EngineError(f"{reference} cannot be pulled for {architecture} into {progress}")

    def load_image(self, archive: Iterable[bytes], image_id: str, *, seconds: float) -> ImageInfo:
        """Nothing is loaded into memory."""
        del seconds
        raise EngineError(f"{image_id} cannot be loaded from {archive}")

    def save_image(self, image_id: str, *, seconds: float) -> Iterator[bytes]:
        """The archive, whole."""
        del seconds
        if image_id == self.image_id:
            yield self.archive


def _read(stream: Stream) -> bytes:
    """Everything that *stream* brings, up to the cap."""
    answer = bytearray()
    while len(answer) < ANSWER_CAP_BYTES:
        chunk = stream.receive(deadline_seconds=ANSWER_SECONDS)
        if chunk is None:
            break
        answer += chunk.data
    return bytes(answer)


def _unwatched(*, sent_bytes: int, total_bytes: int | None) -> None:
    """Two megabytes are not worth telling anybody."""
    del sent_bytes, total_bytes
