"""The golden image: a tiny busybox, made in memory and the same to the last byte everywhere.

It is what a host is tried with before any service is blamed, so it must not depend on a registry,
an engine that builds, or a tool on the host. NOTICE beside the programs says where they are from.
"""

import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from matrix.core.errors import WrongArchitecture

#: Architectures there is a golden image for, in OCI words.
ARCHITECTURES = ("amd64", "arm64")
#: What the health check uses, each a link to the one program.
APPLETS = ("sh", "sleep", "echo", "cat")
#: Nothing in the image may depend on when or where it was made.
CREATED = "2026-01-01T00:00:00Z"
#: PID 1 has no default action for signals, so it says itself that it ends on SIGTERM.
COMMAND = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"]


@lru_cache(maxsize=2)
def golden_archive(architecture: str) -> tuple[str, bytes]:
    """The image id and the ``docker save`` archive without tags, for one architecture.

    Raises WrongArchitecture where there is no golden image for it.
    """
    return busybox_archive(
        architecture, labels={"org.opencontainers.image.title": "compat-matrix golden image"}
    )


def busybox_archive(architecture: str, *, labels: Mapping[str, str]) -> tuple[str, bytes]:
    """The same image under other labels, which is another image with an id of its own."""
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise WrongArchitecture(f'there is no golden image for "{architecture}" (only {known})')
    layer = _layer(_program(architecture))
    digest = hashlib.sha256(layer).hexdigest()
    config = _config(architecture, digest, labels)
    identity = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{identity}.json", "RepoTags": None, "Layers": [f"{digest}/layer.tar"]}]
    archive = _tar(
        {
            f"{identity}.json": config,
            f"{digest}/layer.tar": layer,
            "manifest.json": _json(manifest),
        }
    )
    return f"sha256:{identity}", archive


def _program(architecture: str) -> bytes:
    packed = files("matrix").joinpath(f"data/golden/busybox-{architecture}.xz").read_bytes()
    return lzma.decompress(packed)


def _config(architecture: str, layer_digest: str, labels: Mapping[str, str]) -> bytes:
    return _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": CREATED,
            "config": {
                "Cmd": COMMAND,
                "Env": ["PATH=/bin"],
                "User": "65534:65534",
                "Labels": dict(labels),
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
            "history": [{"created": CREATED, "created_by": "compat-matrix"}],
        }
    )


def _layer(program: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as layer:
        for folder in ("bin", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            layer.addfile(entry)
        entry = tarfile.TarInfo("bin/busybox")
        entry.mode, entry.size = 0o755, len(program)
        layer.addfile(entry, io.BytesIO(program))
        for applet in APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, "busybox", 0o777
            layer.addfile(entry)
    return buffer.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o644, len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
