"""What the runner of a kit says to words it does not know, and to a folder it cannot write to."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.kits import tiny_kit

from matrix.cli.preflight import main


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("kit") / "tiny.matrix"
    tiny_kit(file)
    return file


@pytest.fixture
def run(kit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Runs the kit's runner with words: exit code, all that was said. Nothing may be written."""

    def ran(*words: str) -> tuple[int, str]:
        folder = tmp_path / "private"
        folder.mkdir()
        code = main(str(kit), str(folder), words)
        said = capsys.readouterr()
        assert list(folder.iterdir()) == []
        return code, said.out + said.err

    return ran


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "results"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,ro", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_without_a_word_it_says_which_there_are(run):
    code, said = run()
    assert (code, "Usage: tiny.matrix" in said, "preflight" in said) == (2, True, True), said


def test_a_word_it_does_not_know_is_named(run):
    code, said = run("frob")
    assert (code, "No such command 'frob'" in said) == (2, True), said


def test_an_option_it_does_not_know_is_named(run):
    code, said = run("preflight", "--frob")
    assert (code, "No such option" in said, "--frob" in said) == (2, True, True), said


def test_results_that_cannot_be_written_are_told_of_before_anything_starts(run, read_only: Path):
    code, said = run("preflight", "--yes", "--out", str(read_only))
    sentence = f"matrix: the results cannot be written into {read_only}: give --out FOLDER\n"
    assert (code, said) == (2, sentence)


def test_a_folder_for_results_that_is_not_there_is_named(run, tmp_path: Path):
    code, said = run("preflight", "--yes", "--out", str(tmp_path / "nowhere"))
    assert (code, "nowhere" in said, "does not exist" in said) == (2, True, True), said
