"""Keys of the lab as files."""

import stat
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import paramiko

from matrix.lab.keys import ensure_key, forget_hosts, known_key, write_known_hosts
from matrix.lab.plan import HostPlan, LabNetwork


def a_host(folder: Path, name: str = "qa-1", *, last: int = 11, port: int = 22) -> HostPlan:
    return HostPlan(
        environment="qa",
        name=name,
        address=IPv4Address(f"10.0.0.{last}"),
        port=port,
        user="deploy",
        identity_file=folder / "keys" / name,
        known_hosts=folder / "known_hosts",
        engine="docker",
        engine_sudo=False,
        engine_socket="",
        suite="trixie",
        packages=(),
        machine="container",
        rootless=False,
        ipv6=True,
        link=None,
        network=LabNetwork(name="compat-lab-x", subnet=IPv4Network("10.0.0.0/24"), internal=False),
        memory_bytes=None,
        pids=None,
        read_only=False,
        cgroup=None,
        sshd=(),
        seeded=False,
    )


def test_a_key_is_private_and_is_what_its_public_half_says(tmp_path: Path):
    public = ensure_key(tmp_path / "keys" / "one")
    key = paramiko.Ed25519Key.from_private_key_file(str(tmp_path / "keys" / "one"))
    assert f"ssh-ed25519 {key.get_base64()}" == public
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes[tmp_path / "keys"] == 0o700
    assert modes[tmp_path / "keys" / "one"] == 0o600


def test_a_key_that_is_there_stays(tmp_path: Path):
    assert ensure_key(tmp_path / "one") == ensure_key(tmp_path / "one")


def test_a_key_without_its_public_half_is_made_anew(tmp_path: Path):
    before = ensure_key(tmp_path / "one")
    (tmp_path / "one.pub").unlink()
    assert ensure_key(tmp_path / "one") != before


def test_a_host_has_one_known_key_and_others_stay(tmp_path: Path):
    first, second = a_host(tmp_path), a_host(tmp_path, "qa-2", last=12, port=2222)
    write_known_hosts([(first, "ssh-ed25519 OLD"), (second, "ssh-ed25519 TWO")])
    write_known_hosts([(first, "ssh-ed25519 NEW")])
    assert known_key(first) == "ssh-ed25519 NEW"
    assert known_key(second) == "ssh-ed25519 TWO"
    assert "[10.0.0.12]:2222 ssh-ed25519 TWO" in (tmp_path / "known_hosts").read_text()
    assert "OLD" not in (tmp_path / "known_hosts").read_text()


def test_what_is_forgotten_leaves_no_file(tmp_path: Path):
    host = a_host(tmp_path)
    ensure_key(host.identity_file)
    write_known_hosts([(host, "ssh-ed25519 ONE")])
    forget_hosts([host])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
