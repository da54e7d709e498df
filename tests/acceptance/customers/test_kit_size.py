"""How large a kit is, measured against what has to be in it."""

import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from builders.trials import MATRIX

pytestmark = [pytest.mark.engine, pytest.mark.full]

PROJECT = Path(__file__).parents[3]
#: For the runner, the probes and all lists.
BESIDES_BYTES = 40_000_000
#: A layer is gzip; everything else in the archive of the images is text.
GZIP = b"\x1f\x8b"


def test_a_kit_of_two_services_is_hardly_more_than_its_layers(tmp_path):
    kit = tmp_path / "acme.matrix"
    words = ["bundle", "build", "--for", "customer", "-s", "queue", "-s", "api", "-o", kit]
    subprocess.run([MATRIX, *words], cwd=PROJECT, check=True, capture_output=True)
    layers: dict[str, int] = {}
    with (
        zipfile.ZipFile(kit) as whole,
        whole.open("images.tar") as images,
        tarfile.open(fileobj=images) as archive,
    ):
        assert "runner.head" in whole.namelist()
        for entry in archive:
            content = archive.extractfile(entry)
            if content is not None and content.read(2) == GZIP:
                assert entry.name not in layers
                layers[entry.name] = entry.size
    assert len(layers) >= 6
    assert kit.stat().st_size <= 1.1 * sum(layers.values()) + BESIDES_BYTES
