"""Kits written by hand, so that they can be wrong in ways that ours never are."""

import hashlib
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from matrix.bundle.manifest import Manifest

FILES = {"__main__.py": b"print(1)\n", "images.tar": b"layers" * 5000, "project/x.toml": b"a = 1\n"}


def a_manifest(files: Mapping[str, bytes], **changes: object) -> Manifest:
    """What a kit of *files* says about itself."""
    now = datetime.now(UTC)
    said: dict[str, object] = {
        "format": 1,
        "customer": "acme",
        "title": "Acme data centre",
        "nonce": "ab" * 32,
        "built_at": now - timedelta(days=1),
        "expires_at": now + timedelta(days=30),
        "version": "0.1.0",
        "architecture": "amd64",
        "services": ("queue",),
        "images": {"queue": f"sha256:{'1' * 64}"},
        "runner_image": "",
        "probes": {"queue": "2" * 64},
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    return Manifest.model_validate({**said, **changes})


def write_by_hand(file: Path, said: Manifest, files: Mapping[str, bytes] = FILES) -> Path:
    """A kit that is undamaged, whatever it says of what it holds."""
    with file.open("w+b") as out:
        out.write(b"#!/bin/sh\nexit 0\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("kit.json", said.model_dump_json())
            for name, data in files.items():
                archive.writestr(name, data)
            archive.comment = b"0" * 64
    whole = file.read_bytes()[:-64]
    file.write_bytes(whole + hashlib.sha256(whole).hexdigest().encode())
    return file
