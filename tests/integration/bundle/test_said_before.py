"""What a kit says before it begins: what it takes of memory, disk, ports and time."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from builders.kits import NOW, tiny_kit

from matrix.preflight import FoundEngine, opened_kit, summary

ENGINE = FoundEngine(name="docker", socket=Path("/run/no.sock"))


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("kit")
    tiny_kit(folder / "tiny.matrix")
    private = folder / "private"
    with opened_kit(folder / "tiny.matrix", private, ENGINE, NOW + timedelta(days=1)) as found:
        yield "\n".join(summary(*found, ENGINE))


@pytest.mark.parametrize(
    "words",
    [
        "these services work on this machine: tiny.",
        "It was made for acme and is good until 2036-11-20 00:00 UTC.",
        "It uses docker at /run/no.sock",
        "It takes at most 16 MiB of memory at once, ",
        " MiB of disk for the images that are not there yet",
        "ports on 127.0.0.1 that the engine chooses",
        "It gives a service 5 minutes at most",
        "removes all of its own at the end, images too",
        "acme-result.matrix into this folder and sends nothing",
    ],
)
def test_it_says_what_it_will_do_and_use_and_never_do(said: str, words: str):
    assert words in said


def test_the_disk_it_takes_is_that_of_the_unpacked_images(said: str):
    (line,) = [line for line in said.splitlines() if "of disk" in line]
    mebibytes = int(line.partition(" MiB of disk")[0].split()[-1])
    # busybox and nothing else.
    assert 1 <= mebibytes <= 3
