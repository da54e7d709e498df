"""The images lab hosts are made of, built once for each content.

The tag carries a hash of everything that goes in, so a tag that exists is never stale.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from docker import APIClient
from docker.errors import APIError, ImageNotFound

from matrix.core.errors import EngineError, UsageError
from matrix.lab.plan import HostPlan
from matrix.lab.recipes import recipe

LABEL_IMAGE = "io.compat-matrix.lab.image"

_STEP = re.compile(r"Step (\d+)/(\d+) : ")


#: Role, suite and further packages.
ImageKey = tuple[str, str, tuple[str, ...]]


def image_key(host: HostPlan) -> ImageKey:
    """What makes two hosts need different images."""
    return recipe(host).role, host.suite, host.packages


def ensure_image(
    client: APIClient, host: HostPlan, *, context: Path, report: Callable[[str], None]
) -> str:
    """Id of the image for *host*, built from the folder *context* unless it is there.

    Raises UsageError when its base image or the folder is missing, EngineError when the build
    fails.
    """
    base = f"compat-matrix/base:{host.suite}"
    base_id = _image_id(client, base)
    if base_id is None:
        raise UsageError(f"lab host {host.name} is made from {base}, which is not built yet")
    made = recipe(host)
    role, packages = made.role, (*made.packages[host.suite], *host.packages)
    arguments = {"BASE": base, "ENGINE_PACKAGES": " ".join(packages)}
    digest = _digest(context, role, base_id, arguments)
    tag = f"compat-lab/{role}:{host.suite}-{digest[:12]}"
    existing = _image_id(client, tag)
    if existing is not None:
        return existing
    report(f"lab: building {tag}, about half a minute")
    _build(client, context, role=role, tag=tag, arguments=arguments, report=report)
    built = _image_id(client, tag)
    if built is None:
        raise EngineError(f"the engine built {tag}, but does not have it")
    return built


def _image_id(client: APIClient, reference: str) -> str | None:
    try:
        return str(client.inspect_image(reference)["Id"])  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None


def _digest(context: Path, role: str, base_id: str, arguments: Mapping[str, str]) -> str:
    content = hashlib.sha256(repr((base_id, sorted(arguments.items()))).encode())
    shared = [path for path in sorted(context.iterdir()) if path.is_file()]
    for file in (*shared, *sorted((context / role).iterdir())):
        content.update(f"{file.name} {file.stat().st_mode:o}\0".encode())
        content.update(file.read_bytes())
    return content.hexdigest()


def _build(
    client: APIClient,
    context: Path,
    *,
    role: str,
    tag: str,
    arguments: Mapping[str, str],
    report: Callable[[str], None],
) -> None:
    lines: list[str] = []
    try:
        answers = client.build(
            path=str(context),
            dockerfile=f"{role}/Dockerfile",
            tag=tag,
            buildargs=dict(arguments),
            labels={LABEL_IMAGE: role},
            # The default bridge has no name service of its own, and may be missing.
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
        )
        for answer in answers:
            said = str(answer.get("stream", ""))
            lines += said.splitlines()
            if step := _STEP.match(said):
                report(f"lab: {tag}: step {step[1]} of {step[2]}")
            if "error" in answer:
                tail = "\n".join(lines[-15:])
                raise EngineError(f"building {tag}: {answer['error']}\n{tail}")
    except APIError as error:
        raise EngineError(f"building {tag}: {error.explanation}") from error
