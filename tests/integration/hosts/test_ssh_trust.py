"""Only known machines, only the one key that is meant for them, and errors that say what to do."""

import base64
import hashlib
import hmac
import socket
import threading
from dataclasses import replace

import pytest
from builders.sshd import PATIENCE_SECONDS, Sshd, public, read_all, run, wait_until

from matrix.core.errors import AuthRefused, HostKeyRefused, NegotiationFailed


def hashed(name: str) -> str:
    salt = b"s" * 20
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def fingerprint(sshd: Sshd, key: str) -> str:
    return run("ssh-keygen", "-lf", sshd.folder / f"{key}.pub").split()[1]


def with_known_hosts(sshd: Sshd, text: str):
    """A host known by a file of that text, in which KEY is its real key and NAME its name."""
    file = sshd.folder / "known_hosts"
    name = f"[{sshd.address}]:{sshd.port}"
    file.write_text(
        text.replace("HASHED", hashed(name))
        .replace("NAME", name)
        .replace("KEY", public(sshd.folder / "host_key"))
        .replace("OTHER", public(sshd.folder / "other"))
    )
    return sshd.host(ssh=replace(sshd.ssh(), host_keys=(), known_hosts=file))


KNOWN = {
    "plain": "NAME KEY\n",
    "hashed": "HASHED KEY\n",
    "several names": "other.example,NAME KEY a comment\n",
    "pattern": "[127.0.0.*]:* KEY\n",
    "after others": "# comment\n\nNAME OTHER\nbroken line\n@cert-authority * OTHER\nNAME KEY\n",
}
UNKNOWN = {
    "empty": ("", "is not known yet"),
    "other machine": ("other.example KEY\n", "is not known yet"),
    "other port": ("127.0.0.1 KEY\n", "is not known yet"),
    "other key": ("NAME OTHER\n", "shows another host key"),
    "ruled out": ("[127.0.0.*]:*,!NAME KEY\n", "is not known yet"),
    "revoked": ("NAME KEY\n@revoked * KEY\n", "shows a revoked host key"),
    "authority": ("@cert-authority NAME KEY\n", "is not known yet"),
}


@pytest.mark.parametrize("text", KNOWN.values(), ids=KNOWN)
def test_a_machine_in_known_hosts_is_let_in(sshd: Sshd, reach, text):
    stream = reach(with_known_hosts(sshd, text)).open_stream(["echo", "in"])
    assert read_all(stream)[0] == b"in\n"
    stream.close()


@pytest.mark.parametrize(("text", "why"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_or_changed_key_is_refused_before_any_credential(sshd: Sshd, reach, text, why):
    host = with_known_hosts(sshd, text)
    before = len(sshd.log())
    with pytest.raises(HostKeyRefused) as refused:
        reach(host)

    message = str(refused.value)
    assert why in message
    assert f"root@127.0.0.1:{sshd.port}" in message
    assert fingerprint(sshd, "host_key") in message
    assert public(sshd.folder / "host_key") in message
    if "OTHER" in text:
        assert fingerprint(sshd, "other") in message
    assert "publickey" not in sshd.log()[before:]
    assert (sshd.folder / "known_hosts").stat().st_size == len(host.ssh.known_hosts.read_text()), (
        "nothing may be added to known_hosts"
    )


def test_a_pinned_key_that_changed_is_refused(sshd: Sshd, reach):
    other = (public(sshd.folder / "other"),)
    with pytest.raises(HostKeyRefused, match="another host key"):
        reach(sshd.host(ssh=replace(sshd.ssh(), host_keys=other)))


def test_a_known_hosts_file_that_is_not_there_is_named(sshd: Sshd, reach):
    missing = sshd.folder / "nowhere"
    with pytest.raises(HostKeyRefused, match="nowhere"):
        reach(sshd.host(ssh=replace(sshd.ssh(), host_keys=(), known_hosts=missing)))


def test_a_refused_key_is_not_tried_again(lone_sshd: Sshd, reach):
    lone_sshd.start()
    wrong = replace(lone_sshd.ssh(), identity_file=lone_sshd.folder / "other")
    with pytest.raises(AuthRefused, match=r"does not accept our key SHA256:.*authorized_keys"):
        reach(lone_sshd.host(ssh=wrong))

    # It is told to us before it is written down.
    wait_until(lambda: "Failed publickey" in lone_sshd.log())
    assert lone_sshd.log().count("Failed publickey") == 1


def test_a_connection_that_was_refused_later_does_not_storm(lone_sshd: Sshd, reach):
    lone_sshd.start("MaxSessions=1")
    connection = reach(lone_sshd.host(max_sessions=1))
    first = connection.open_stream(["cat"])
    (lone_sshd.folder / "authorized_keys").write_text("")
    for _ in range(5):
        with pytest.raises(AuthRefused):
            connection.open_stream(["true"])
    first.close()

    wait_until(lambda: "Failed publickey" in lone_sshd.log())
    assert lone_sshd.log().count("Failed publickey") == 1


def test_of_an_agent_with_two_keys_only_the_one_meant_is_offered(lone_sshd: Sshd, reach, agent):
    lone_sshd.start()
    for name in ("other", "id"):
        agent(lone_sshd.folder / name)
    mine, theirs = fingerprint(lone_sshd, "id"), fingerprint(lone_sshd, "other")
    by_agent = replace(lone_sshd.ssh(), identity_file=None, agent_key=mine)
    stream = reach(lone_sshd.host(ssh=by_agent)).open_stream(["sh", "-c", "echo [$SSH_AUTH_SOCK]"])

    assert read_all(stream)[0] == b"[]\n", "the agent must not be forwarded"
    stream.close()
    assert mine in lone_sshd.log()
    assert theirs not in lone_sshd.log()


def test_an_agent_is_not_asked_when_none_is_named(lone_sshd: Sshd, reach, agent):
    lone_sshd.start()
    agent(lone_sshd.folder / "id")
    wrong = replace(lone_sshd.ssh(), identity_file=lone_sshd.folder / "other")
    with pytest.raises(AuthRefused):
        reach(lone_sshd.host(ssh=wrong))

    assert fingerprint(lone_sshd, "id") not in lone_sshd.log()


def test_an_agent_without_the_key_or_no_agent_is_told(sshd: Sshd, reach, agent, monkeypatch):
    by_agent = replace(sshd.ssh(), identity_file=None, agent_key="SHA256:nothing")
    with pytest.raises(AuthRefused, match="has no key SHA256:nothing"):
        reach(sshd.host(ssh=by_agent))
    monkeypatch.delenv("SSH_AUTH_SOCK")
    with pytest.raises(AuthRefused, match="no ssh-agent answers"):
        reach(sshd.host(ssh=by_agent))


def test_identity_files_that_cannot_be_used_are_told_apart(sshd: Sshd, reach, tmp_path):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "locked")
    (tmp_path / "text").write_text("no key\n")
    cases = {
        "missing": "cannot read identity file",
        "locked": "has a passphrase",
        "text": "is not a private key",
    }
    for name, why in cases.items():
        with pytest.raises(AuthRefused, match=why):
            reach(sshd.host(ssh=replace(sshd.ssh(), identity_file=tmp_path / name)))
    with pytest.raises(AuthRefused, match="names no identity_file and no agent_key"):
        reach(sshd.host(ssh=replace(sshd.ssh(), identity_file=None)))


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("KexAlgorithms=diffie-hellman-group1-sha1", "diffie-hellman-group1-sha1"),
        ("Ciphers=chacha20-poly1305@openssh.com", "chacha20-poly1305@openssh.com"),
        ("MACs=umac-64@openssh.com", "umac-64@openssh.com"),
    ],
)
def test_algorithms_that_are_not_shared_are_named(lone_sshd: Sshd, reach, option, word):
    lone_sshd.start(option)
    with pytest.raises(NegotiationFailed, match=f"the host offers {word}; we have "):
        reach(lone_sshd.host())


def test_a_jump_host_is_gone_through_under_the_same_rules(sshd: Sshd, lone_sshd: Sshd, reach):
    lone_sshd.start()
    through = replace(lone_sshd.ssh(), jump=sshd.ssh("plain"))
    stream = reach(lone_sshd.host(ssh=through)).open_stream(["echo", "there"])
    assert read_all(stream)[0] == b"there\n"
    stream.close()
    assert "Accepted publickey for root" in lone_sshd.log()

    stranger = replace(sshd.ssh("plain"), host_keys=(public(sshd.folder / "other"),))
    before = len(lone_sshd.log())
    with pytest.raises(HostKeyRefused, match="plain@"):
        reach(lone_sshd.host(ssh=replace(through, jump=stranger)))
    assert "Connection from" not in lone_sshd.log()[before:]


def test_a_server_above_its_max_startups_is_asked_again(lone_sshd: Sshd, reach):
    lone_sshd.start("MaxStartups=1:100:1")
    # The connection by which we saw it listen counts until it is seen to be gone.
    wait_until(lambda: "Connection closed by" in lone_sshd.log() and not lone_sshd.children())
    with socket.create_connection((lone_sshd.address, lone_sshd.port)) as hog:
        wait_until(lone_sshd.children)
        gone = threading.Event()

        def let_go() -> None:
            gone.set()
            hog.shutdown(socket.SHUT_RDWR)

        letting_go = threading.Timer(1.0, let_go)
        letting_go.start()
        connection = reach(lone_sshd.host(), deadline_seconds=PATIENCE_SECONDS)
        assert gone.is_set(), "the hog did not keep us out"
        letting_go.join()
        stream = connection.open_stream(["echo", "in"])

        assert read_all(stream)[0] == b"in\n"
    stream.close()
