"""Keys of a project: made, allowed and revoked by our commands, read by OpenSSH as by us."""

import json
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from matrix.bundle import dsse, keyring, sshsig
from matrix.bundle.keys import load_private_key
from matrix.cli import execute
from matrix.core.errors import ConfigError, Refused

MESSAGE = b"what was found\n"
ALLOWED, REVOKED = "keys/allowed_signers", "keys/revoked"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert execute(["init", "."]) == 0
    return folder


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]):
    """What a command says on stdout and stderr."""

    def run(*words: str | Path, code: int = 0) -> str:
        capsys.readouterr()
        assert execute([str(word) for word in words]) == code
        both = capsys.readouterr()
        return both.out + both.err

    return run


def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    assert execute(["key", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, list)
    return found


def made(folder: Path, name: str = "key") -> Path:
    file = folder / name
    assert execute(["key", "new", str(file)]) == 0
    return file


def public(file: Path) -> Path:
    return file.with_name(f"{file.name}.pub")


def sign(file: Path, *, namespace: str = dsse.NAMESPACE) -> str:
    """A signature made by OpenSSH."""
    argv = ["ssh-keygen", "-Y", "sign", "-f", file, "-n", namespace]
    return subprocess.run(argv, input=MESSAGE, capture_output=True, check=True).stdout.decode()


def openssh_accepts(folder: Path, signature: str, name: str, *more: str) -> bool:
    (folder / "sig").write_text(signature)
    argv = ["ssh-keygen", "-Y", "verify", "-f", ALLOWED, "-I", name, "-n", dsse.NAMESPACE]
    argv += ["-s", str(folder / "sig"), *more]
    return subprocess.run(argv, input=MESSAGE, capture_output=True, check=False).returncode == 0


def we_accept(project: Path, signature: str, name: str) -> bool:
    ring, found = keyring.load_keyring(project), sshsig.read(signature)
    sshsig.check(found, MESSAGE, namespace=dsse.NAMESPACE)
    try:
        whose = ring.trusts(datetime.now(UTC))(found.key)
    except Refused:
        return False
    return whose == name and ring.speaks_for(found.key, name, now=datetime.now(UTC))


def test_a_new_key_is_for_its_owner_only_and_openssh_reads_it(tmp_path, project, said):
    text = said("key", "new", tmp_path / "ssh/key")
    file = tmp_path / "ssh/key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = subprocess.run(
        ["ssh-keygen", "-lf", public(file)], capture_output=True, text=True, check=True
    ).stdout
    mark = shown.split()[1]
    assert text.startswith(f"{mark}\n")
    assert "(ED25519)" in shown
    assert "matrix key allow" in text
    assert sshsig.fingerprint(load_private_key(file, ask=lambda _: b"").public) == mark


@pytest.mark.parametrize("there", ["key", "key.pub"])
def test_a_new_key_overwrites_nothing(tmp_path, project, said, there):
    (tmp_path / there).write_text("mine")
    assert "nothing is overwritten" in said("key", "new", tmp_path / "key", code=2)
    assert (tmp_path / there).read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [there, "project"]


def test_openssh_and_we_agree_on_the_same_two_files(tmp_path, project, said):
    key, stranger = made(tmp_path), made(tmp_path, "stranger")
    said("key", "allow", "local", public(key))
    good, bad = sign(key), sign(stranger)
    assert openssh_accepts(tmp_path, good, "local")
    assert we_accept(project, good, "local")
    for signature, name in ((bad, "local"), (good, "other")):
        assert not openssh_accepts(tmp_path, signature, name)
        assert not we_accept(project, signature, name)
    said("key", "revoke", "local", "--reason", "a laptop\nwas stolen")
    assert not openssh_accepts(tmp_path, good, "local", "-r", REVOKED)
    assert not we_accept(project, good, "local")


def test_a_key_for_results_signs_no_files(tmp_path, project, said):
    key = made(tmp_path)
    said("key", "allow", "local", public(key))
    (tmp_path / "sig").write_text(sign(key, namespace="file"))
    argv = ["ssh-keygen", "-Y", "verify", "-f", ALLOWED, "-I", "local", "-n", "file"]
    argv += ["-s", tmp_path / "sig"]
    assert subprocess.run(argv, input=MESSAGE, capture_output=True, check=False).returncode != 0
    with pytest.raises(Refused, match='not "file"'):
        keyring.load_keyring(project).trusts(datetime.now(UTC), namespace="file")(
            public(key).read_text()
        )


def test_the_days_on_which_a_key_counts_are_those_openssh_sees(tmp_path, project, said, capsys):
    key = made(tmp_path)
    today = datetime.now(UTC).date()
    tomorrow, yesterday = today + timedelta(days=1), today - timedelta(days=1)
    days = ("--from", str(yesterday), "--until", str(tomorrow))
    said("key", "allow", "local", public(key), *days)
    (one,) = listed(capsys)
    assert one["valid_from"] == f"{yesterday}T00:00:00+00:00"
    assert one["valid_until"] == f"{tomorrow + timedelta(days=1)}T00:00:00+00:00"
    assert one["standing"] == "valid"
    later = tomorrow + timedelta(days=2)
    for when, accepted in ((today, True), (later, False)):
        option = f"-Overify-time={when:%Y%m%d}120000"
        assert openssh_accepts(tmp_path, sign(key), "local", option) is accepted
        noon = datetime(when.year, when.month, when.day, 12, tzinfo=UTC)
        found = keyring.load_keyring(project).speaks_for(public(key).read_text(), "local", now=noon)
        assert found is accepted


def test_the_list_says_who_what_and_how_it_stands(tmp_path, project, said, capsys):
    days = {f"{datetime.now(UTC):%Y-%m-%d}"}
    names = ("acme", "ours", "stranger")
    files = {name: made(tmp_path, name) for name in names}
    marks = {name: sshsig.fingerprint(public(files[name]).read_text()) for name in names}
    said("key", "allow", "local", public(files["acme"]))
    said("key", "allow", "release-team", public(files["ours"]), "--signs", "files")
    said("key", "revoke", marks["acme"], "--reason", "new laptop")
    said("key", "revoke", public(files["stranger"]), "--reason", "found in the street")
    found = {one["fingerprint"]: one for one in listed(capsys)}
    assert {mark: one["name"] for mark, one in found.items()} == {
        marks["acme"]: "local",
        marks["ours"]: "release-team",
        marks["stranger"]: "",
    }
    # A midnight may have passed.
    days.add(f"{datetime.now(UTC):%Y-%m-%d}")
    acme, ours, stranger = (found[marks[name]] for name in names)
    assert acme["revoked"]
    assert acme["note"] in {f"{day} new laptop" for day in days}
    assert (ours["revoked"], ours["expired"], ours["standing"]) == (False, False, "valid")
    assert acme["namespaces"] == [dsse.NAMESPACE]
    assert ours["namespaces"] == ["file", dsse.NAMESPACE]
    assert stranger["revoked"]
    assert stranger["note"] in {f"{day} found in the street" for day in days}
    text = said("key", "list")
    assert all(mark in text for mark in found)
    assert "ssh-ed25519" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("allow", "nowhere", "KEY.pub"), 'no environment is called "nowhere"'),
        (("allow", "local", "KEY"), "is a private key"),
        (("allow", "local", "matrix.toml"), "not one public key"),
        (("allow", "local", "KEY.pub", "--until", "2020-01-01"), "is over"),
        (("allow", "two words", "KEY.pub", "--signs", "files"), "one word"),
        (("revoke", "nobody", "--reason", "x"), 'no allowed key and no file is called "nobody"'),
        (("revoke", "SHA256:nothing", "--reason", "x"), "no allowed key is"),
    ],
    ids=["environment", "private", "no key", "over", "words", "nobody", "fingerprint"],
)
def test_what_cannot_be_is_said_and_nothing_is_written(tmp_path, project, said, words, says):
    key = made(tmp_path)
    told = said("key", *(word.replace("KEY", str(key)) for word in words), code=2)
    assert says in told
    assert not (project / ALLOWED).exists()
    assert not (project / REVOKED).exists()


def test_a_key_is_allowed_once_and_a_revoked_one_never_again(tmp_path, project, said):
    key = made(tmp_path)
    said("key", "allow", "local", public(key))
    before = (project / ALLOWED).read_bytes()
    assert "already" in said("key", "allow", "local", public(key), code=2)
    said("key", "revoke", "local", "--reason", "old")
    assert "stays so" in said("key", "allow", "local", public(key), code=2)
    assert "is revoked already" in said("key", "revoke", "local", "--reason", "old", code=2)
    assert (project / ALLOWED).read_bytes() == before


def test_rotation_lets_the_new_key_count_and_the_old_one_no_more(tmp_path, project, said):
    old, new = made(tmp_path, "old"), made(tmp_path, "new")
    said("key", "allow", "local", public(old))
    said("key", "allow", "local", public(new))
    assert we_accept(project, sign(old), "local")
    assert we_accept(project, sign(new), "local")
    mark = sshsig.fingerprint(public(old).read_text())
    said("key", "revoke", mark, "--reason", "rotated")
    assert not we_accept(project, sign(old), "local")
    assert we_accept(project, sign(new), "local")


def test_what_people_wrote_into_the_files_stays(tmp_path, project, said):
    key = made(tmp_path)
    (project / "keys").mkdir()
    (project / ALLOWED).write_text(f"# ours\nanna {public(made(tmp_path, 'anna')).read_text()}")
    (project / ALLOWED).chmod(0o640)
    before = (project / ALLOWED).read_text()
    said("key", "allow", "local", public(key))
    assert (project / ALLOWED).read_text().startswith(before)
    assert stat.S_IMODE((project / ALLOWED).stat().st_mode) == 0o640
    assert [path.name for path in (project / "keys").iterdir()] == ["allowed_signers"]


def test_a_file_of_keys_with_a_fault_trusts_nobody(project):
    (project / "keys").mkdir()
    (project / ALLOWED).write_text("acme cert-authority ssh-ed25519 AAAA\n")
    with pytest.raises(ConfigError):
        keyring.load_keyring(project)
    (project / ALLOWED).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError):
        keyring.load_keyring(project)


def test_two_who_write_at_once_lose_nothing(tmp_path, project):
    keys = [public(made(tmp_path, f"key-{at}")).read_text() for at in range(8)]
    threads = [
        threading.Thread(target=keyring.revoke, args=(project, [key]), kwargs={"note": "x"})
        for key in keys
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {one.key for one in keyring.load_keyring(project).revoked}
    assert found == {" ".join(key.split()[:2]) for key in keys}
