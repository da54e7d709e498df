"""Facts of real machines, whichever shell gathers them."""

import os
import platform
import shutil
import time

import pytest
from builders.sshd import Sshd

from matrix.core.fingerprint import fingerprint
from matrix.core.model import Host
from matrix.hosts import KeptShell, gather

SHELLS = ("dash", "bash", "ash", "ssh")
#: What every machine tells that these tests run on.
ALWAYS = (
    "architecture",
    "cgroup_version",
    "cpus",
    "distribution",
    "disk_total_bytes",
    "free_disk_bytes",
    "hostname",
    "kernel",
    "memory_bytes",
    "pids_limit",
    "ulimit_nofile",
    "sysctl.vm.overcommit_memory",
)


@pytest.fixture(params=SHELLS)
def shell(request, reach, workspace):
    if request.param == "ssh":
        sshd: Sshd = request.getfixturevalue("sshd")
        connection, argv = reach(sshd.host("fishy")), ["sh"]
    else:
        connection, argv = reach(Host(name="here", connection="local")), [request.param]
    if request.param == "ash":
        folder = workspace / "bin"
        folder.mkdir()
        (folder / "ash").symlink_to(shutil.which("busybox"))
        argv = [str(folder / "ash")]
    kept = KeptShell(lambda: connection.open_stream(argv))
    yield kept
    kept.close()


def test_the_facts_are_those_of_the_machine(shell):
    before = time.time()
    facts = gather(shell, root="/var/lib/docker")
    took = time.time() - before

    assert [name for name in ALWAYS if facts[name] is None] == []
    assert facts["kernel"] == platform.release()
    assert facts["hostname"] == platform.node()
    assert facts["cpus"] == os.cpu_count()
    assert facts["memory_total_bytes"] == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert facts["tool.bash"] is True
    # It is the same clock, which was read while we waited.
    assert abs(facts["clock_offset_seconds"]) < 1 + took
    disk = os.statvfs("/var/lib/docker")
    assert facts["disk_total_bytes"] == disk.f_blocks * disk.f_frsize
    assert abs(facts["free_disk_bytes"] - disk.f_bavail * disk.f_frsize) < 2**32


def test_the_fingerprint_stays_the_same_from_one_moment_to_the_next(shell):
    first = gather(shell, root="/")
    time.sleep(1.1)

    assert fingerprint(gather(shell, root="/nonexistent/folder")) == fingerprint(first)


def test_a_folder_with_a_name_like_a_command_is_only_a_name(shell, tmp_path):
    facts = gather(shell, root=f"{tmp_path}/$(touch {tmp_path}/made);`touch {tmp_path}/made`'")

    assert facts["free_disk_bytes"] > 0
    assert list(tmp_path.iterdir()) == []
