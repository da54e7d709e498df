"""A kit of a few hundred kilobytes, made without an engine, and ways to spoil it."""

import hashlib
import io
import random
import sys
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from matrix.bundle.kit import RUNNER_HEAD, Contents, digests, write_kit
from matrix.bundle.layers import unpack_image
from matrix.bundle.layout import docker_head, layers_place, write_layout
from matrix.bundle.manifest import FORMAT, Manifest
from matrix.bundle.wheels import write_own_package
from matrix.delivery.golden import busybox_archive

DIGEST_CHARACTERS = 64
NOW = datetime(2026, 11, 23, tzinfo=UTC)
PROJECT = {
    "matrix.toml": b'name = "kit"\ncatalogue = "images/catalogue.toml"\n'
    b'inventories = ["inventory.toml"]\noutside_probes = "probes/outside"\n'
    b'reports = "reports"\nstate = "state"\n',
    "inventory.toml": b"",
    "policy.toml": b'required = ["tiny@acme"]\n',
    "probes/tiny/test_tiny.py": b"def test_it_runs(container): assert container.state.running\n",
    "probes/outside/test_all.py": b"def test_too(container): assert container.state.running\n",
}
CATALOGUE = """\
[images.tiny]
reference = "kit/tiny@{id}"

[services.tiny]
image = "tiny"
probes = ["../probes/tiny"]
memory = "16MiB"
pids = 16
"""


def tiny_kit(file: Path, *, more: Mapping[str, bytes] | None = None) -> Manifest:
    """Write a kit whose one image is a busybox and the runner's, too; *more* files go into it."""
    cache = file.parent / "layers"
    _, archive = busybox_archive("amd64", labels={"of": "kits"})
    image = unpack_image([archive], cache=cache)
    images = cache / "images.tar"
    with images.open("w+b") as out:
        write_layout([image], out)
        out.seek(0)
        place = layers_place(out, image)
    project = {**PROJECT, "images/catalogue.toml": CATALOGUE.format(id=image.id).encode()}
    contents = Contents(
        images=images,
        runner_layers=place,
        files={
            RUNNER_HEAD: docker_head(image),
            **{f"project/{name}": data for name, data in project.items()},
            **(more or {}),
        },
    )
    manifest = Manifest(
        format=FORMAT,
        customer="acme",
        title="Acme",
        nonce="5" * 64,
        built_at=NOW,
        expires_at=NOW + timedelta(days=3650),
        version="1",
        architecture="amd64",
        services=("tiny",),
        images={"tiny": image.id},
        runner_image=image.id,
        probes={"tiny": "sha256:" + "0" * 64},
        files=digests(contents),
    )
    write_kit(file, contents, manifest)
    return manifest


def sealed(data: bytes) -> bytes:
    """*data* with the right digest at its end, as somebody makes it who wants to be believed."""
    kept = data[:-DIGEST_CHARACTERS]
    return kept + hashlib.sha256(kept).hexdigest().encode()


def repacked(kit: bytes, change: Callable[[zipfile.ZipFile], None]) -> bytes:
    """The kit with its archive written anew and *change* done to it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(kit)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry))
        change(new)
        new.comment = b"0" * DIGEST_CHARACTERS
    return sealed(out.getvalue())


def startable_kit(file: Path) -> None:
    """A tiny kit with the runner's own code in it: what that imports comes from where it is run."""
    own = file.with_name("own.zip")
    write_own_package(own)
    wheels = f"wheels/{sys.version_info[0]}.{sys.version_info[1]}"
    tiny_kit(file, more={wheels: b"own.zip", "wheels/own.zip": own.read_bytes()})


def misfilled(kit: bytes, chance: random.Random) -> bytes:
    """The kit with random bytes of one file in it changed, and everything around it right."""
    out = io.BytesIO()
    out.write(kit[: kit.index(b"PK\x03\x04")])
    with zipfile.ZipFile(io.BytesIO(kit)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = chance.choice(old.namelist())
        for entry in old.infolist():
            data = bytearray(old.read(entry))
            if entry.filename == chosen and data:
                for _ in range(chance.randint(1, 4)):
                    at = chance.randrange(len(data))
                    data[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(1, 3))
            new.writestr(entry, bytes(data))
        new.comment = b"0" * DIGEST_CHARACTERS
    return sealed(out.getvalue())


def mutated(kit: bytes, chance: random.Random) -> bytes:
    """The kit with a few random bytes, numbers or pieces of it changed, and a right digest."""
    data = bytearray(kit)
    # The shell part is text of ours; what is parsed is behind it, most of it near the end.
    first = kit.index(b"PK\x03\x04")
    for _ in range(chance.randint(1, 8)):
        near_end = len(data) - DIGEST_CHARACTERS - chance.randint(1, 1500)
        at = near_end if chance.random() < 0.5 else chance.randrange(first, len(data) - 64)
        kind = chance.randrange(4)
        if kind == 0:
            data[at] = chance.randrange(256)
        elif kind == 1:
            data[at : at + 4] = chance.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"))
        elif kind == 2:
            del data[at : at + chance.randint(1, 40)]
        else:
            other = chance.randrange(first, len(data) - 64)
            data[at:at] = data[other : other + chance.randint(1, 200)]
    return sealed(bytes(data))
