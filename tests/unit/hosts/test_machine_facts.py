import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.hosts.facts import interpret, read

SAID = b"""now=1000.500000000
kernel=6.1.0
machine=aarch64
hostname=qa
uptime=12.34 5.6
os_id=debian
os_version="12"
cpus=4
memory_total_kb=1000
memory_available_kb=500
memory_limit=9223372036854771712
memory_limit=614400
pids_limit=max
pids_limit=400
nofile=1024
nofile_hard=unlimited
nproc=unlimited
cgroup_version=2
cgroup_controllers=pids cpu memory
selinux=0
apparmor=Y
ipv6_address=loopback
mtu=1500
dns=10.0.0.1
dns=10.0.0.2
timezone_link=../usr/share/zoneinfo/Europe/Berlin
locale=C.UTF-8
sysctl.kernel.pid_max=32768
sysctl.fs.nr_open=1048576
sysctl.net.ipv6.conf.all.disable_ipv6=0
tool=curl
free_disk=/dev/sda1 100 60 40 60% /var/lib/docker
"""


def facts(text: bytes = SAID, ours: float = 1000.0):
    return interpret(read(text), ours=ours)


def test_what_a_machine_says_becomes_facts():
    found = facts()
    wanted = {
        "kernel": "6.1.0",
        "architecture": "arm64",
        "distribution": "debian",
        "distribution_version": "12",
        "cpus": 4,
        "memory_total_bytes": 1_024_000,
        "memory_limit_bytes": 614_400,
        "memory_bytes": 614_400,
        "pids_limit": 400,
        "ulimit_nofile": 1024,
        "ulimit_nofile_hard": 1_048_576,
        "ulimit_nproc": None,
        "cgroup_version": 2,
        "cgroup_controllers": "cpu memory pids",
        "selinux": "permissive",
        "apparmor": True,
        "ipv6": True,
        "ipv6_global": False,
        "mtu": 1500,
        "dns": "10.0.0.1 10.0.0.2",
        "timezone": "Europe/Berlin",
        "clock_offset_seconds": 0.5,
        "uptime_seconds": 12.3,
        "disk_total_bytes": 102_400,
        "free_disk_bytes": 40_960,
        "sysctl.kernel.pid_max": 32768,
        "tool.curl": True,
        "tool.bash": False,
    }
    assert {name: found[name] for name in wanted} == wanted


def test_ipv6_that_is_switched_off_cannot_be_used():
    assert facts(SAID.replace(b"disable_ipv6=0", b"disable_ipv6=1"))["ipv6"] is False


def test_a_clock_of_whole_seconds_is_taken_at_half_a_second():
    assert facts(b"now=1000\nkernel=x\n")["clock_offset_seconds"] == 0.5


def test_a_disk_whose_name_has_spaces_is_measured():
    line = b"free_disk=my disk 1 2 3 4 100 60 40 60% /mnt/a b\n"
    assert facts(line)["free_disk_bytes"] == 40_960
    assert facts(line)["disk_total_bytes"] == 102_400


@pytest.mark.parametrize(
    "line",
    [
        b"kernel=" + b"x" * 501,
        b"kernel=a\x1b[31mb",
        "kernel=a\u202eb".encode(),
        b"KERNEL=x",
        b"no equals sign",
        b"=x",
        b"kernel\xff=x",
    ],
)
def test_a_line_that_is_not_what_it_should_be_is_passed_over(line):
    assert facts(line)["kernel"] is None


@pytest.mark.parametrize("value", [b"-1", b"1e9", b"0x10", b"9" * 30, b"", b"NaN", "٣".encode()])
def test_a_number_that_is_none_is_not_taken(value):
    found = facts(b"cpus=" + value + b"\nmtu=" + value + b"\nmemory_total_kb=" + value + b"\n")
    assert (found["cpus"], found["mtu"], found["memory_bytes"]) == (None, None, None)


@given(st.binary(max_size=400))
def test_no_output_breaks_it(output):
    for value in facts(output).values():
        assert value is None or isinstance(value, str | int | float | bool)
