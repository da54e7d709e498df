"""Results from somebody who means ill and whose key we trust: no trace, no flood, no wait."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from builders.fuzzing import corpus
from builders.results import Sent

TESTS = Path(__file__).parents[2]
MOST_BYTES = 256 * 1024 * 1024
#: Three times what is promised for one file, of a processor: machines are shared.
MOST_SECONDS = 15.0
NUMBER = 100


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What one process says that imports them all: name → answer."""
    folder = tmp_path_factory.mktemp("fuzzed")
    sent = Sent()
    (folder / "key.pub").write_text(sent.key.public)
    for number, (name, data) in enumerate(corpus(sent)):
        (folder / f"{number:03} {name}.matrix").write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "builders.fuzzing", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}


def test_there_are_a_hundred_of_them(told):
    assert len(told) >= NUMBER


def test_each_is_refused_in_words_or_is_somebodys_word(told):
    for name, one in told.items():
        assert one["said"] == "imported" or re.match(r"refused: \S", one["said"]), (name, one)
        assert one["runs"] == (one["said"] == "imported"), (name, one)
        assert len(one["said"]) < 2000, (name, one["said"][:200])


def test_most_are_refused_and_every_bomb_is(told):
    bombs = [one for name, one in told.items() if not re.search(r"-\d+$", name)]
    assert {one["said"][:7] for one in bombs} == {"refused"}
    assert sum(one["said"] != "imported" for one in told.values()) > NUMBER * 0.8


def test_none_takes_long_or_fills_the_memory(told):
    slow = {name: one["seconds"] for name, one in told.items() if one["seconds"] > MOST_SECONDS}
    assert slow == {}
    assert max(one["most_bytes"] for one in told.values()) <= MOST_BYTES
