"""Base images: pulled when a registry is at hand, else made from Debian packages.

A base made from packages is kept as a file, so that a second engine has it in seconds.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import certifi
from docker import APIClient

from matrix.core.build import BuildEvent, BuildWatcher
from matrix.core.errors import BuildFailed
from matrix.core.model import Base
from matrix.core.text import decode, neutralise
from matrix.delivery.build_inputs import (
    INPUTS_LABEL,
    PLAIN,
    ContextFile,
    base_inputs,
    context_archive,
    context_files,
    plain_base,
)
from matrix.delivery.build_stream import Message, run_build, translated

REPOSITORY = "compat-matrix/base"
#: Where systems keep the authorities they trust; the last one always exists.
CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    certifi.where(),
)
#: Programs that make-base needs, all in Debian packages of the same name.
TOOLS = ("mmdebstrap", "zstd")
MAKE_SECONDS = 900
PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseSource:
    """Where bases come from on this machine."""

    #: Folder in which bases made from packages are kept.
    cache: Path
    #: ``host:port`` of a registry that is asked first, "" for none.
    registry: str


def base_tag(base: Base) -> str:
    """The tag that a base has on the local engine."""
    return f"{REPOSITORY}:{base.name}"


def make_base(
    client: APIClient,
    base: Base,
    bases: Sequence[Base],
    *,
    source: BaseSource,
    observe: BuildWatcher,
) -> None:
    """Bring one base to the engine; a builder base needs its plain one to be there already.

    Raises BuildFailed.
    """
    inputs = base_inputs(base, bases)
    if base.builder:
        _make_builder(client, base, bases, observe=observe)
    elif not _pull(client, base, inputs=inputs, source=source, observe=observe):
        _import(client, base, inputs=inputs, source=source, observe=observe)


def _note(base: Base, text: str) -> BuildEvent:
    return BuildEvent(image=f"base:{base.name}", text=text)


def _make_builder(
    client: APIClient, base: Base, bases: Sequence[Base], *, observe: BuildWatcher
) -> None:
    bundle = next(path for path in CA_BUNDLES if Path(path).is_file())
    authorities = ContextFile(
        path="ca-certificates.crt", mode=PLAIN, data=Path(bundle).read_bytes()
    )
    run_build(
        client,
        image=f"base:{base.name}",
        tag=base_tag(base),
        context=context_archive([*context_files(base.context / "builder"), authorities]),
        arguments={
            "BASE": base_tag(plain_base(base, bases)),
            "PACKAGES": " ".join(base.builder),
        },
        labels={INPUTS_LABEL: base_inputs(base, bases)},
        observe=observe,
    )


def _pull(
    client: APIClient, base: Base, *, inputs: str, source: BaseSource, observe: BuildWatcher
) -> bool:
    """Whether the base came from the registry; one that cannot give it is told and passed over."""
    if not source.registry or not base.reference:
        return False
    try:
        pulled = _pull_by_digest(client, f"{source.registry}/{base.reference}")
    except BuildFailed as error:
        observe(_note(base, f"{error}; making it from packages"))
        return False
    observe(_note(base, f"pulled {pulled}"))
    dockerfile = ContextFile(path="Dockerfile", mode=PLAIN, data=f"FROM {pulled}\n".encode())
    run_build(
        client,
        image=f"base:{base.name}",
        tag=base_tag(base),
        context=context_archive([dockerfile]),
        arguments={},
        labels={INPUTS_LABEL: inputs},
        observe=observe,
    )
    return True


def _pull_by_digest(client: APIClient, reference: str) -> str:
    """Pull what *reference* means now, by digest, so that no tag of the engine is moved."""
    with translated(f"registry, {reference}"):
        found = client.inspect_distribution(reference)  # type: ignore[no-untyped-call]
        digest = found["Descriptor"]["digest"]
        pinned = f"{_without_tag(reference)}@{digest}"
        messages = list(client.pull(pinned, stream=True, decode=True))
    _refuse_errors(messages)
    return pinned


def _without_tag(reference: str) -> str:
    """``host:port/name`` of ``host:port/name:tag`` or ``host:port/name@sha256:…``."""
    path, _, name = reference.partition("@")[0].rpartition("/")
    return f"{path}/{name.partition(':')[0]}"


def _refuse_errors(messages: Iterable[Message]) -> None:
    for message in messages:
        if "error" in message:
            raise BuildFailed(neutralise(str(message["error"]), limit=2000))


def _import(
    client: APIClient, base: Base, *, inputs: str, source: BaseSource, observe: BuildWatcher
) -> None:
    with translated(f"base {base.name}"):
        architecture = str(client.version()["Arch"])
        file = source.cache / f"{base.suite}-{architecture}-{inputs[:12]}.tar.zst"
        if not file.exists():
            observe(_note(base, f"making Debian {base.suite} from packages, about a minute"))
            _make_file(base, file, architecture)
        observe(_note(base, f"importing {file.name}"))
        answer = client.import_image_from_stream(
            _unpacked(file),
            repository=REPOSITORY,
            tag=base.name,
            changes=[f"LABEL {INPUTS_LABEL}={inputs}"],
        )
    _refuse_errors(json.loads(line) for line in answer.splitlines())


def _make_file(base: Base, file: Path, architecture: str) -> None:
    """Run make-base; raises BuildFailed with the end of what it said."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        packages = " ".join(missing)
        raise BuildFailed(f"base {base.name} needs {packages}: apt-get install {packages}")
    file.parent.mkdir(parents=True, exist_ok=True)
    argv = [str(base.context / "make-base"), base.suite, str(file), architecture]
    try:
        made = subprocess.run(  # noqa: S603 - the project's own recipe, arguments as a list
            argv, capture_output=True, timeout=MAKE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BuildFailed(f"base {base.name}: not made in {MAKE_SECONDS} s") from error
    if made.returncode != 0:
        words = neutralise(decode(made.stderr[-4000:]))
        raise BuildFailed(f"base {base.name}: make-base ended with {made.returncode}\n{words}")


def _unpacked(file: Path) -> Iterator[bytes]:
    """The archive without its compression; raises BuildFailed when the file is damaged."""
    argv = ["zstd", "--quiet", "-dc", str(file)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:  # noqa: S603 - fixed words
        if process.stdout is None:
            raise BuildFailed(f"{file} cannot be read")
        while piece := process.stdout.read(PIECE_BYTES):
            yield piece
    if process.returncode != 0:
        raise BuildFailed(f"{file} is damaged: remove it and build again")
