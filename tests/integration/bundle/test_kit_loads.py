"""The archive in a kit, given to engines of several ages as it lies in the file."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.engines import engine_in_a_container
from builders.kits import tiny_kit

from matrix.core.ports import Engine

pytestmark = [pytest.mark.engine, pytest.mark.lab, pytest.mark.full]

#: Version its engine says it is → engine, suite of Debian it is from.
ENGINES = {
    "20.10.5": ("docker", "bullseye"),
    "20.10.24": ("docker", "bookworm"),
    "26.1.": ("docker", "trixie"),
    "28.5.": ("docker", "sid"),
    "4.3.": ("podman", "bookworm"),
    "5.4.": ("podman", "trixie"),
}
SECONDS = 60.0
PIECE_BYTES = 64 * 1024


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with engine_in_a_container(*ENGINES[request.param]) as place:
        facts = place.engine.describe().facts
        assert str(facts["engine.version"]).startswith(request.param)
        yield place.engine


def test_an_engine_of_any_age_has_the_images_with_the_same_ids(engine: Engine, tmp_path: Path):
    kit = tmp_path / "tiny.matrix"
    manifest = tiny_kit(kit)
    (wanted,) = manifest.images.values()
    assert engine.inspect_image(wanted) is None
    with zipfile.ZipFile(kit) as whole, whole.open("images.tar") as archive:
        pieces = iter(lambda: archive.read(PIECE_BYTES), b"")
        assert engine.load_image(pieces, wanted, seconds=SECONDS).id == wanted
    found = engine.inspect_image(wanted)
    assert found is not None
    assert found.id == wanted
