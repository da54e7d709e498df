"""Hosts that are not who they should be, do not let us in, say nothing, or are nearly full."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from builders.sshd import Sshd, make_sshd, public
from builders.tarpits import drip, server, stay_mute
from builders.trials import Result, Trial, Victim

pytestmark = [pytest.mark.engine, pytest.mark.lab]

PASSES = "def test_it(host):\n    assert host.file('/start').exists\n"

#: Environment → reason of the host's fault, what the message has to say.
REFUSED: dict[str, tuple[str, str]] = {
    "changed-key": ("hostkey", "shows another host key"),
    "unknown-key": ("hostkey", "is not known yet"),
    "refused-key": ("auth", r"does not accept our key SHA256:.*authorized_keys"),
    "asking-sudo": ("auth", r"sudo asks for a password.*sudoers: USER ALL=\(root\) NOPASSWD"),
    "mute": ("unreachable", "accepts connections but finishes no SSH handshake"),
    "dribbling": ("unreachable", "accepts connections but finishes no SSH handshake"),
}
LET_IN = ("noisy", "fish")


@pytest.fixture(scope="module")
def sshds() -> Iterator[tuple[Sshd, Sshd]]:
    """One whose key is not trusted, and one whose key is."""
    with ExitStack() as stack:
        found = []
        for _ in range(2):
            # Other accounts must be able to reach their homes, which pytest's folders forbid.
            folder = Path(tempfile.mkdtemp(prefix="mx-faults-"))
            stack.callback(shutil.rmtree, folder)
            folder.chmod(0o755)
            found.append(make_sshd(folder))
            found[-1].start()
            stack.callback(found[-1].stop)
        fish = found[1].folder / "home" / "fishy" / ".config" / "fish" / "config.fish"
        fish.parent.mkdir(parents=True)
        fish.write_text("echo NOISE\necho NOISE >&2\n")
        yield found[0], found[1]


def table_of(sshd: Sshd, **changes: object) -> dict[str, object]:
    table = {
        "name": "here",
        "connection": "ssh",
        "address": sshd.address,
        "port": sshd.port,
        "user": "docker1",
        "identity_file": str(sshd.folder / "id"),
        "host_keys": [public(sshd.folder / "host_key")],
    }
    return {key: value for key, value in (table | changes).items() if value is not None}


@pytest.fixture(scope="module")
def noisy_docker(docker_host: Victim) -> Iterator[Victim]:
    """The Docker host with an account whose start-up file talks."""
    file = "/home/deploy/.bashrc"
    docker_host.sh(f"cp {file} /root/bashrc; printf 'echo NOISE; echo NOISE >&2; set -x' > {file}")
    yield docker_host
    docker_host.sh(f"cp /root/bashrc {file}")


@pytest.fixture(scope="module")
def run(sshds, noisy_docker: Victim, tmp_path_factory) -> Result:
    """One run over all of them."""
    stranger, friend = sshds
    trial = Trial(tmp_path_factory.mktemp("hosts"))
    trial.add("tiny", PASSES)
    nobody = trial.folder / "nobody"
    nobody.touch()
    other = public(stranger.folder / "other")
    trial.place("changed-key", table_of(stranger, host_keys=[other]))
    trial.place("unknown-key", table_of(stranger, host_keys=None, known_hosts=str(nobody)))
    trial.place("refused-key", table_of(friend, identity_file=str(friend.folder / "other")))
    trial.place("asking-sudo", table_of(friend, user="asker", engine_sudo=True))
    trial.place("fish", table_of(friend, user="fishy"))
    trial.place("noisy", noisy_docker.host())
    with server(stay_mute) as mute, server(drip) as dribbling:
        for name, address in (("mute", mute), ("dribbling", dribbling)):
            trial.place(name, table_of(friend, port=address.port))
        result = trial.run()
    assert nobody.read_text() == ""
    return result


@pytest.mark.parametrize("name", REFUSED)
def test_a_host_that_cannot_be_used_is_one_finding_that_says_what_to_do(run: Result, name: str):
    reason, words = REFUSED[name]
    fault = run.host(name)["fault"]
    cell = run.cell(f"tiny@{name}")

    assert fault["reason"] == reason, fault["message"]
    assert re.search(words, fault["message"]), fault["message"]
    assert cell.answer == ("ERROR", "environment")
    assert fault["message"] in cell.message
    assert cell.tries == [], "no container may be tried on it"


@pytest.mark.parametrize("name", LET_IN)
def test_a_login_shell_that_talks_and_is_no_posix_shell_changes_nothing(run: Result, name: str):
    assert run.cell(f"tiny@{name}").answer == ("PASSED", ""), run.cell(f"tiny@{name}").message


def test_no_credential_is_sent_to_a_machine_that_is_not_known(run: Result, sshds):
    log = sshds[0].log()

    assert "Connection from" in log
    assert "publickey" not in log
    assert "docker1" not in log


def test_a_key_that_is_refused_is_offered_once(run: Result, sshds):
    assert sshds[1].log().count("Failed publickey for docker1") == 1


def test_a_host_that_says_nothing_holds_nobody_up(run: Result):
    assert run.seconds < 3 * 15
    assert run.code == 3, "infrastructure is never red"


def test_a_host_that_is_nearly_full_is_not_touched(docker_host: Victim, tmp_path):
    trial = Trial(tmp_path)
    trial.add("tiny", PASSES)
    trial.place("full", docker_host.host(), limits={"free_disk": "9000TiB"})
    since = docker_host.sh("date +%s.%N")
    result = trial.run()
    until = docker_host.sh("date +%s.%N")
    fault = result.host("full")["fault"]

    assert fault["reason"] == "disk"
    assert re.search(
        r"below the floor of .* nothing is started there \(free some, or lower", fault["message"]
    )
    assert result.cell("tiny@full").answer == ("ERROR", "environment")
    assert docker_host.engine("events", "--since", since, "--until", until) == ""
