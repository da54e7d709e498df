"""Mutated kits through the whole of it: the real shell part, a real Python, the real runner.

A right digest is at the end of each, as if its sender had made it so. Limits are of the kernel.
"""

import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders.kits import misfilled, mutated, startable_kit

#: Refused in words; or it went as far as asking an engine, of which there is none.
REFUSED, NO_ENGINE, NOT_STARTED = 6, 3, 2
#: What is promised; three times the seconds.
MEMORY_BYTES, SECONDS = 256 * 1024 * 1024, 15
#: Beyond this the kernel says no; libraries are mapped far beyond what is used of them.
MAPPED_BYTES = 1024 * 1024 * 1024
TRACES = ("Traceback", 'File "', "Error:", "Exception")
#: Starts the kit under the limits and prints what it took. A process of its own, since the kernel
#: counts to a child what its parent had in memory when it was made; the tests' own has much.
LAUNCH = f"""
import json, resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_AS, ({MAPPED_BYTES}, {MAPPED_BYTES}))
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
with open(sys.argv[1], "wb") as said:
    words = ["sh", "../given.matrix", *sys.argv[2:]]
    code = subprocess.call(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_maxrss * 1024, used.ru_utime + used.ru_stime]))
"""


@dataclass(frozen=True)
class Started:
    """What came of starting one kit."""

    code: int
    said: str
    peak_bytes: int
    #: Of processors, by all its processes.
    seconds: float


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("kit") / "tiny.matrix"
    startable_kit(file)
    return file.read_bytes()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[bytes], Started]]:
    """Starts a kit as an administrator does, where no engine answers; nothing may be left."""
    around = tmp_path / "around"
    for name in ("home", "here", "tmp"):
        (around / name).mkdir(parents=True)
    with closing(socket.socket(socket.AF_UNIX)) as deaf:
        # Below a folder of its own the name would be longer than a socket's may be.
        place = Path(f"/tmp/fuzzed-{os.getpid()}.sock")
        deaf.bind(str(place))
        try:
            yield lambda kit: _started(kit, around, place)
        finally:
            place.unlink()


def _started(kit: bytes, around: Path, engine: Path) -> Started:
    (around / "given.matrix").write_bytes(kit)
    words = ("preflight", "--facts-only", "--engine-socket", str(engine))
    said = around.parent / "said"
    launched = subprocess.run(
        [sys.executable, "-I", "-c", LAUNCH, str(said), *words],
        cwd=around / "here",
        stdout=subprocess.PIPE,
        check=True,
        start_new_session=True,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(around / "home"),
            "TMPDIR": str(around / "tmp"),
            "MATRIX_PYTHON": sys.executable,
        },
    )
    code, peak_bytes, seconds = json.loads(launched.stdout)
    there = sorted(str(one.relative_to(around)) for one in around.rglob("*"))
    assert there == ["given.matrix", "here", "home", "tmp"]
    assert sorted(one.name for one in around.parent.iterdir()) == ["around", "said"]
    return Started(
        code=code,
        said=said.read_bytes().decode("utf-8", "replace"),
        peak_bytes=peak_bytes,
        seconds=seconds,
    )


def no_defect(done: Started) -> None:
    assert done.code in (REFUSED, NO_ENGINE, NOT_STARTED), done
    assert not [word for word in TRACES if word in done.said], done.said
    assert "matrix: " in done.said, done.said
    assert done.peak_bytes < MEMORY_BYTES, done
    assert done.seconds < SECONDS, done


def test_the_kit_itself_goes_as_far_as_asking_the_engine(whole: bytes, start):
    done = start(whole)
    assert (done.code, "no engine answers" in done.said) == (NO_ENGINE, True), done.said
    no_defect(done)


def test_a_mutated_kit_is_told_in_words(whole: bytes, start):
    no_defect(start(mutated(whole, random.Random(0))))


@pytest.mark.full
@pytest.mark.parametrize("spoil", [mutated, misfilled], ids=["bytes", "content"])
@pytest.mark.parametrize("seed", range(5))
def test_no_mutated_kit_is_a_defect_of_the_whole(whole: bytes, start, spoil, seed: int):
    chance = random.Random(100 + seed)
    for _ in range(6):
        no_defect(start(spoil(whole, chance)))
