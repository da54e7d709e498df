"""Archives of a few files, in memory."""

import hashlib
import io
import json
import tarfile


def digest_of(data):
    """``sha256:…`` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_of(files):
    """A tar with these files, name to content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def files_of(data):
    """Name to content of the regular files of a tar."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive if one.isreg()}


def image_of(layer):
    """An image of one layer as ``docker save`` writes it: id and name to content."""
    digest = digest_of(layer)
    rootfs = {"type": "layers", "diff_ids": [digest]}
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": None, "Layers": ["layer.tar"]}]
    return digest_of(config), {
        "config.json": config,
        "layer.tar": layer,
        "manifest.json": json.dumps(manifest).encode(),
    }
