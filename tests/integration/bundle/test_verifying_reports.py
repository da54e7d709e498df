"""``matrix report --key`` and ``matrix verify``: who signed it, and is it still what it was?"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from builders.seeded import NO_ENGINE, a_result, keep

from matrix.cli import execute
from matrix.core.verdict import Verdict
from matrix.loading import load_project
from matrix.report import FILES


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a result, a key that counts for files and one that does not."""
    folder = tmp_path_factory.mktemp("reports") / "project"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MATRIX_BUILD_SOCKET", NO_ENGINE)
        assert execute(["init", "."]) == 0
        keep(folder, [a_result(load_project(folder), "hello@local", Verdict.PASSED)])
        for name in ("key", "stranger"):
            assert execute(["key", "new", f"../{name}"]) == 0
        assert execute(["key", "allow", "ci", "../key.pub", "--signs", "files"]) == 0
    return folder


@pytest.fixture
def project(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, and whoever is in it."""
    monkeypatch.chdir(made)
    monkeypatch.setenv("MATRIX_BUILD_SOCKET", NO_ENGINE)
    return made


@pytest.fixture
def write(project: Path, tmp_path: Path):
    """A report in some format, signed with some key: a copy of one that is made once."""

    def run(name: str, key: str = "key") -> Path:
        folder = project.parent / f"{name}-{key}"
        words = ["--key", f"../{key}"] if key else []
        if not folder.is_dir():
            out = str(folder / FILES[name])
            assert execute(["report", "-f", name, "-o", out, *words]) == 0
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        return tmp_path / FILES[name]

    return run


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]):
    def run(file: Path, *words: str) -> tuple[int, dict[str, object]]:
        capsys.readouterr()
        code = execute(["verify", str(file), *words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def says(data: dict[str, object], check: str = "signature") -> str:
    return next(one["says"] for one in data["findings"] if one["check"] == check)


def spoil(file: Path, old: bytes, new: bytes) -> None:
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new, 1))


@pytest.mark.parametrize("name", ["html", "json", "in-toto", "junit", "csv"])
def test_a_signed_report_is_verified_and_says_who_and_when(write, verify, capsys, name):
    file = write(name)
    code, data = verify(file)
    assert (code, data["verified"], data["signer"]) == (0, True, "ci"), data
    if name in ("html", "json", "in-toto"):
        assert data["measured_from"] <= data["measured_until"]
        assert data["counts"]["PASSED"] == 1
        assert [one["check"] for one in data["findings"]] == ["signature", "content"]
    assert execute(["verify", str(file)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"ok        signature  signed by ci with {data['key']}")
    assert told.err.endswith("is verified\n")


@pytest.mark.parametrize("name", ["html", "json", "in-toto", "junit"])
def test_an_unsigned_report_is_said_to_be_and_ends_with_4(write, verify, name):
    code, data = verify(write(name, key=""))
    assert (code, data["verified"], data["signer"]) == (4, False, None)
    assert "nobody has signed it" in says(data)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("html", b"hello", b"hallo"),
        ("json", b'"PASSED"', b'"FAILED"'),
        ("junit", b"hello", b"hallo"),
        ("in-toto", b'"payload": "ewo', b'"payload": "ewO'),
    ],
)
def test_a_report_that_was_changed_since_is_refused_and_not_read(write, verify, name, old, new):
    file = write(name)
    spoil(file, old, new)
    code, data = verify(file)
    assert (code, data["verified"], data["signer"], data["counts"]) == (6, False, None, None)
    assert [one["check"] for one in data["findings"]] == ["signature"]
    assert "does not belong to this content" in says(data)


@pytest.mark.parametrize("name", ["html", "json"])
def test_a_report_whose_signature_was_taken_away_is_refused(write, verify, name):
    file = write(name)
    file.with_name(f"{file.name}.sig").unlink()
    code, data = verify(file)
    assert code == 6
    assert "the signature beside it is gone" in says(data)


@pytest.mark.parametrize("name", ["html", "json", "in-toto"])
def test_a_report_that_a_stranger_signed_is_refused(write, verify, name):
    code, data = verify(write(name, key="stranger"))
    assert code == 6
    assert "which is not an allowed signer" in says(data)


def test_a_report_that_says_one_key_and_has_another_is_refused(write, verify, project):
    file = write("json", key="stranger")
    argv = ["ssh-keygen", "-q", "-Y", "sign", "-f", project.parent / "key", "-n", "file", file]
    file.with_name(f"{file.name}.sig").unlink()
    subprocess.run(argv, check=True, capture_output=True)
    code, data = verify(file)
    assert code == 6
    assert "says it is signed with SHA256:" in says(data)


def test_a_signed_report_that_contradicts_itself_is_refused(write, verify, project):
    file = write("json", key="")
    spoil(file, b'"PASSED": 1', b'"PASSED": 2')
    code, data = verify(file)
    assert (code, says(data, "content")) == (6, "its counts are not those of its cells")
    argv = ["ssh-keygen", "-q", "-Y", "sign", "-f", project.parent / "key", "-n", "file", file]
    subprocess.run(argv, check=True, capture_output=True)
    code, data = verify(file)
    assert (code, data["signer"]) == (6, "ci")


def test_what_we_signed_openssh_verifies(write, project):
    file = write("html")
    argv = ["ssh-keygen", "-Y", "verify", "-f", "keys/allowed_signers", "-I", "ci", "-n", "file"]
    with file.open("rb") as message:
        argv += ["-s", str(file.with_name("report.html.sig"))]
        done = subprocess.run(argv, stdin=message, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_key_known_by_another_way_needs_no_project(write, verify, tmp_path, monkeypatch, capsys):
    file, unsigned = write("html"), write("json", key="")
    public = str(Path("../key.pub").resolve())
    monkeypatch.chdir(tmp_path)
    assert verify(file, "--signer", public)[0] == 0
    assert verify(unsigned, "--signer", public)[0] == 4
    assert execute(["verify", str(file)]) == 2
    assert "--signer" in capsys.readouterr().err


def test_an_envelope_goes_to_stdout_and_other_formats_need_a_file(project, capsys):
    capsys.readouterr()
    assert execute(["report", "-f", "in-toto", "--key", "../key"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"payload", "payloadType", "signatures"}
    for words in (["-f", "html"], ["--json"], ["-f", "html", "-o", "x", "--append"]):
        assert execute(["report", *words, "--key", "../key"]) == 2


@pytest.mark.parametrize(("name", "file"), [("ctrf", "ctrf-local.json"), ("shields", "")])
def test_files_that_are_not_looked_into_are_verified_by_their_signature(
    write, verify, tmp_path, name, file
):
    written = write(name)
    code, data = verify(tmp_path / file if file else written)
    assert (code, data["kind"], data["signer"], data["counts"]) == (0, "other", "ci", None)
