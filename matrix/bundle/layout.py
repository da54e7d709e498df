"""Many images in one archive, their layers shared: an OCI layout that ``docker load`` takes too.

Read by Docker from 20.10 on and by Podman from 4.3 on, see docs/decisions/0009. The files are

| file              | is                                                                       |
|-------------------|--------------------------------------------------------------------------|
| ``oci-layout``    | the mark of an OCI image layout                                          |
| ``index.json``    | one OCI manifest an image                                                |
| ``manifest.json`` | the same images for ``docker load`` (docker-archive), without tags       |
| ``blobs/sha256/`` | configurations, manifests, and layers as gzip                            |
"""

import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from typing import IO

from matrix.bundle.layers import Layer, UnpackedImage, digest_of

LAYOUT = b'{"imageLayoutVersion": "1.0.0"}'
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def write_layout(images: Sequence[UnpackedImage], out: IO[bytes]) -> None:
    """Write the archive of *images*; the same images give the same bytes."""
    manifests = {image.id: _manifest(image) for image in images}
    layers = {layer.digest: layer for image in images for layer in image.layers}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        _add(archive, "oci-layout", LAYOUT)
        _add(archive, "index.json", _index(images, list(manifests.values())))
        _add(archive, "manifest.json", docker_manifest(images))
        for image in images:
            _add(archive, blob(image.id), image.config)
            _add(archive, blob(digest_of(manifests[image.id])), manifests[image.id])
        for layer in layers.values():
            _add_layer(archive, layer)


def layers_place(archive: IO[bytes], image: UnpackedImage) -> tuple[int, int]:
    """Where in an archive of ours the layers of *image* are, as offset and bytes of whole entries.

    It has to be the first of the archive's images, whose layers come first and in one piece.
    """
    with tarfile.open(fileobj=archive, mode="r:") as opened:
        names = [blob(layer.digest) for layer in image.layers]
        entries = [opened.getmember(name) for name in dict.fromkeys(names)]
    ends = [
        entry.offset_data + -(-entry.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        for entry in entries
    ]
    if any(end != after.offset for end, after in zip(ends, entries[1:], strict=False)):
        raise ValueError(f"the layers of {image.id} are not in one piece")
    return entries[0].offset, ends[-1] - entries[0].offset


def docker_head(image: UnpackedImage) -> bytes:
    """The beginning of a docker-archive of *image* alone, up to where its layers are to follow."""
    out = io.BytesIO()
    archive = tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT)  # noqa: SIM115 - no end
    _add(archive, "manifest.json", docker_manifest([image]))
    _add(archive, blob(image.id), image.config)
    return out.getvalue()


def blob(digest: str) -> str:
    """Where in the archive the content of a digest is."""
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def docker_manifest(images: Iterable[UnpackedImage]) -> bytes:
    """``manifest.json`` of a docker-archive."""
    return _json(
        [
            {
                "Config": blob(image.id),
                "RepoTags": None,
                "Layers": [blob(layer.digest) for layer in image.layers],
            }
            for image in images
        ]
    )


def _manifest(image: UnpackedImage) -> bytes:
    config = {"mediaType": CONFIG_TYPE, "digest": image.id, "size": len(image.config)}
    layers = [
        {"mediaType": LAYER_TYPE, "digest": layer.digest, "size": layer.size_bytes}
        for layer in image.layers
    ]
    return _json(
        {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": layers}
    )


def _index(images: Sequence[UnpackedImage], manifests: Sequence[bytes]) -> bytes:
    entries = [
        {
            "mediaType": MANIFEST_TYPE,
            "digest": digest_of(manifest),
            "size": len(manifest),
            "platform": {
                "architecture": image.document["architecture"],
                "os": image.document["os"],
            },
        }
        for image, manifest in zip(images, manifests, strict=True)
    ]
    return _json({"schemaVersion": 2, "manifests": entries})


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    archive.addfile(_entry(name, len(data)), io.BytesIO(data))


def _add_layer(archive: tarfile.TarFile, layer: Layer) -> None:
    with layer.file.open("rb") as file:
        archive.addfile(_entry(blob(layer.digest), layer.size_bytes), file)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """A file without owner or time, so that nothing depends on when and where it was made."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("utf-8")
