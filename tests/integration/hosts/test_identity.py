"""What a machine and its people are called."""

from pathlib import Path

from matrix.hosts.identity import own_identity

HOSTS = """\
127.0.0.1 localhost localhost.localdomain  # as everywhere
::1 ip6-localhost ip6-loopback
10.1.2.3  db7.acme.example db7   # the database
10.1.2.4\tweb.acme.example
192.168.65.2 host.docker.internal
"""
PASSWD = """\
root:x:0:0:root:/root:/bin/bash
postgres:x:109:117::/var/lib/postgresql:/bin/bash
alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash
broken
"""


def machine(folder: Path) -> Path:
    files = {
        "etc/hosts": HOSTS,
        "etc/passwd": PASSWD,
        "etc/hostname": "web9\n",
        "etc/machine-id": "3d1219c7c4c5404aaa1f6d2a48adfda4\n",
        "etc/resolv.conf": "nameserver 10.1.2.1\nsearch acme.example corp.example\noptions x\n",
        "proc/sys/kernel/domainname": "(none)\n",
        "sys/class/net/eth0/address": "02:42:ac:11:00:02\n",
        "sys/class/net/lo/address": "00:00:00:00:00:00\n",
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_names_come_from_its_own_files(tmp_path: Path):
    found = own_identity(machine(tmp_path))
    assert {
        *("db7.acme.example", "db7", "web.acme.example", "web9", "acme.example", "corp.example"),
        *("3d1219c7c4c5404aaa1f6d2a48adfda4", "0242ac110002"),
    } <= found.names
    assert not {"localhost", "ip6-localhost", "host.docker.internal", "(none)"} & found.names
    assert not {"10.1.2.1", "as", "everywhere", "000000000000"} & found.names


def test_accounts_are_those_of_people(tmp_path: Path):
    found = own_identity(machine(tmp_path))
    assert "alice" in found.accounts
    assert not {"postgres", "broken"} & found.accounts


def test_a_machine_without_these_files_has_its_own_name(tmp_path: Path):
    assert own_identity(tmp_path).names


def test_files_that_are_no_text_do_no_harm(tmp_path: Path):
    file = machine(tmp_path) / "etc/hosts"
    file.write_bytes(b"10.1.2.3 \xff\xfe" + bytes(range(256)) * 5000)
    assert "web9" in own_identity(tmp_path).names
