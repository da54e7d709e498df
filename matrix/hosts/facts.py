"""What a machine is like, measured in one round trip. Every byte from it is checked."""

import re
import shlex
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping

from matrix.core.errors import HostError, OutputTruncated
from matrix.core.ports import Shell
from matrix.core.result import Fact, Facts
from matrix.hosts.scripts import script

#: Seconds that measuring may take.
FACTS_SECONDS = 30.0
#: The most that a machine may tell of itself, in all and for one value.
CAP_BYTES = 128 * 1024
VALUE_CHARACTERS = 500
#: Limits at least this high mean "none": cgroup v1 rounds its highest number down to a page.
NO_LIMIT = 2**62
KIBIBYTE = 1024

#: ``uname -m`` in OCI words.
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i386": "386",
    "i686": "386",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
#: Programs that are looked for: fact ``tool.<name>``.
TOOLS = (
    "bash",
    "curl",
    "ip",
    "iptables",
    "nc",
    "nft",
    "openssl",
    "python3",
    "ss",
    "sudo",
    "systemctl",
)
_LINE = re.compile(r"([a-z0-9_.-]{1,80})=(.*)")
_NUMBER = re.compile(r"[0-9]{1,20}")
#: Which number of a line of ``df`` is all of the disk, and which may still be used.
TOTAL, AVAILABLE = 1, 2

#: Key → every value that came for it, in order.
Said = Mapping[str, list[str]]


def gather(shell: Shell, *, root: str) -> Facts:
    """The facts of the machine *shell* runs on; *root* is the folder whose free disk is asked for.

    Facts: hostname, kernel, distribution, distribution_version, architecture (OCI words), cpus,
    memory_bytes (the lesser of memory_total_bytes and memory_limit_bytes), memory_available_bytes,
    pids_limit, cgroup_version, cgroup_controllers, init, lsm, selinux, apparmor, ipv6 (::1 can be
    used), ipv6_global, mtu (of the default route), dns, dns_search, locale, charmap, timezone,
    clock_offset_seconds (theirs minus ours), uptime_seconds, ulimit_nofile, ulimit_nofile_hard,
    ulimit_nproc, disk_total_bytes and free_disk_bytes (of *root*'s disk), ``sysctl.*`` and
    ``tool.*``. Lists are one text, sorted where order means nothing. None is what could not be had,
    or for a limit that there is none.
    Sources: proc(5), cgroups(7), os-release(5), if_inet6 in the kernel's own order.

    Raises HostError when the machine answers with something else, and what *shell* raises.
    """
    text = f"root={shlex.quote(root)}\n{script('facts')}"
    before = time.time()
    result = shell.run(text, deadline_seconds=FACTS_SECONDS, cap_bytes=CAP_BYTES)
    if result.truncated:
        raise OutputTruncated(f"the machine tells more than {CAP_BYTES} bytes about itself")
    said = read(result.stdout)
    if "kernel" not in said:
        complaint = result.stderr[:VALUE_CHARACTERS].decode("utf-8", "backslashreplace")
        raise HostError(f"the machine tells no facts: {complaint.strip() or 'no word'}")
    # The clock is the first thing read: about half of the way there and back has passed by then.
    return interpret(said, ours=before)


def read(output: bytes) -> Said:
    """The lines of the script that are what they should be; all others are passed over."""
    said: dict[str, list[str]] = defaultdict(list)
    for line in output.decode("utf-8", "backslashreplace").split("\n"):
        match = _LINE.fullmatch(line)
        if match and len(match[2]) <= VALUE_CHARACTERS and match[2].isprintable():
            said[match[1]].append(match[2].strip())
    return said


def interpret(said: Said, *, ours: float) -> Facts:
    """Facts from what was *said*; *ours* is our clock at the time, in seconds."""
    one = {key: values[0] for key, values in said.items()}
    facts: dict[str, Fact] = {
        "hostname": one.get("hostname"),
        "kernel": one.get("kernel"),
        "distribution": _unquoted(one.get("os_id")),
        "distribution_version": _unquoted(one.get("os_version")),
        "architecture": ARCHITECTURES.get(one.get("machine", ""), one.get("machine")),
        "init": one.get("init"),
        "cpus": _number(one.get("cpus")),
        "uptime_seconds": _seconds(one.get("uptime")),
        "clock_offset_seconds": _offset(one.get("now"), ours),
        "disk_total_bytes": _of_disk(one.get("free_disk", ""), TOTAL),
        "free_disk_bytes": _of_disk(one.get("free_disk", ""), AVAILABLE),
        "charmap": one.get("charmap"),
        "locale": one.get("locale", "POSIX"),
        "timezone": _timezone(one),
    }
    facts |= _memory(said) | _control_groups(said) | _security(one) | _network(said)
    facts |= _limits(said)
    facts |= {f"tool.{name}": name in said.get("tool", ()) for name in TOOLS}
    facts |= {
        key: _number(values[0]) if _NUMBER.fullmatch(values[0]) else values[0]
        for key, values in said.items()
        if key.startswith("sysctl.")
    }
    return facts


def _memory(said: Said) -> dict[str, Fact]:
    total = _kibibytes(said, "memory_total_kb")
    limit = _least(said.get("memory_limit", ()))
    both = [size for size in (total, limit) if size is not None]
    return {
        "memory_total_bytes": total,
        "memory_limit_bytes": limit,
        "memory_bytes": min(both, default=None),
        "memory_available_bytes": _kibibytes(said, "memory_available_kb"),
    }


def _control_groups(said: Said) -> dict[str, Fact]:
    names = {
        name
        for text in (*said.get("cgroup_controllers", ()), *said.get("cgroup_controller", ()))
        for name in text.split()
    }
    return {
        "cgroup_version": _number(said.get("cgroup_version", [""])[0]),
        "cgroup_controllers": " ".join(sorted(names)),
    }


def _security(one: Mapping[str, str]) -> dict[str, Fact]:
    return {
        "lsm": one.get("lsm"),
        "selinux": {"1": "enforcing", "0": "permissive"}.get(one.get("selinux", ""), "absent"),
        "apparmor": one.get("apparmor") == "Y",
    }


def _network(said: Said) -> dict[str, Fact]:
    off = said.get("sysctl.net.ipv6.conf.all.disable_ipv6", ["0"])[0] == "1"
    addresses = said.get("ipv6_address", ())
    return {
        "ipv6": "loopback" in addresses and not off,
        "ipv6_global": "global" in addresses and not off,
        "mtu": _number(said.get("mtu", [""])[0]),
        "dns": " ".join(said.get("dns", ())),
        "dns_search": " ".join(said.get("search", ())),
    }


def _limits(said: Said) -> dict[str, Fact]:
    """Limits, where "none" is the highest that the kernel allows."""
    most = {
        "pids_limit": "kernel.pid_max",
        "ulimit_nofile": "fs.nr_open",
        "ulimit_nofile_hard": "fs.nr_open",
        "ulimit_nproc": "kernel.threads-max",
    }
    return {
        fact: _least((*said.get(fact.removeprefix("ulimit_"), ()), *said.get(f"sysctl.{name}", ())))
        for fact, name in most.items()
    }


def _least(texts: Iterable[str]) -> int | None:
    numbers = (_number(text) for text in texts)
    return min((each for each in numbers if each is not None and each < NO_LIMIT), default=None)


def _number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text) else None


def _seconds(text: str | None) -> float | None:
    """The first number of *text*, to one decimal place."""
    match = re.match(r"[0-9]{1,12}(\.[0-9]{1,9})?", text or "")
    return round(float(match[0]), 1) if match else None


def _offset(theirs: str | None, ours: float) -> float | None:
    match = re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", theirs or "")
    if not match:
        return None
    # A clock that tells whole seconds is half of one behind, by and large.
    return round(float(match[0]) + (0 if match[1] else 0.5) - ours, 1)


def _kibibytes(said: Said, key: str) -> int | None:
    number = _number(said.get(key, [""])[0])
    return None if number is None else number * KIBIBYTE


def _of_disk(line: str, field: int) -> int | None:
    """Bytes from a line of ``df -Pk``, whose fields are counted before the mount."""
    match = re.search(r"\s([0-9]{1,18})\s+[0-9]+\s+([0-9]{1,18})\s+[0-9]+%\s+/", line)
    return int(match[field]) * KIBIBYTE if match else None


def _unquoted(text: str | None) -> str | None:
    return text.strip("\"'") if text else None


def _timezone(one: Mapping[str, str]) -> str:
    _, found, name = one.get("timezone_link", "").partition("zoneinfo/")
    return one.get("timezone") or (name if found else "") or "UTC"
