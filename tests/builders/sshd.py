"""An sshd of our own to be reached.

The sshd runs in a mount namespace with accounts, groups and sudoers of its own, so nothing of the
machine's is changed. Needs root and the packages openssh-server, sudo, fish and tcsh.
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from matrix.core.model import Host, SshAddress

#: Account → login shell; each has a home of its own and the key of the tests.
ACCOUNTS = {
    "plain": "/bin/dash",
    "noisy": "/bin/bash",
    "fishy": "/usr/bin/fish",
    "cshell": "/bin/tcsh",
    "nobodyhome": "/usr/sbin/nologin",
    "sudoer": "/bin/bash",
    "asker": "/bin/bash",
    "docker1": "/bin/dash",
}
#: Accounts in the group that may use the engine.
USES_DOCKER = ("docker1", "noisy", "fishy")
FIRST_ID = 61001
NOISE = "echo NOISE-OUT\necho NOISE-ERR >&2\nset -x\n"
#: What takes longer than this, on a machine that now and then stands still, never comes.
PATIENCE_SECONDS = 90.0
SUDOERS = "Defaults !pam_session\nroot ALL=(ALL) ALL\nsudoer ALL=(root) NOPASSWD: DOCKER\n"


def wait_until(true: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Ask again and again until *true* holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"did not come true in {seconds} seconds"
        time.sleep(0.02)


def tool(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert path, f"these tests need {name}: apt-get install openssh-server sudo fish tcsh"
    return path


def run(*argv: str | Path) -> str:
    return subprocess.run(
        [str(word) for word in argv], check=True, capture_output=True, text=True
    ).stdout


def public(key: Path) -> str:
    return " ".join(Path(f"{key}.pub").read_text().split()[:2])


@dataclass
class Sshd:
    """One sshd in the foreground, and how to reach it."""

    folder: Path
    port: int
    address: str = "127.0.0.1"
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *options: str, prefix: Sequence[str] = ()) -> None:
        """Start with sshd_config lines *options*, which win over those of the file."""
        words = [word for option in options for word in ("-o", option)]
        script = (
            "mount --make-rprivate / && for f in passwd group shadow sudoers; do"
            ' mount --bind "$0/$f" "/etc/$f" || exit 1; done; mkdir -p /run/sshd; exec "$@"'
        )
        sshd = [tool("sshd"), "-D", "-e", "-f", str(self.folder / "config"), *words]
        with (self.folder / "log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [*prefix, "unshare", "-m", "sh", "-c", script, str(self.folder), *sshd],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )
        if not prefix:
            wait_until(self.answers)

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), 5):
            return True
        return False

    def stop(self) -> None:
        for process in self.processes:
            self.signal_sessions(signal.SIGKILL)
            process.kill()
            process.wait()
        self.processes.clear()

    def children(self) -> list[int]:
        """Processes of the sessions that are open."""
        found = []
        for process in self.processes:
            path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            with contextlib.suppress(OSError):
                found += [int(pid) for pid in path.read_text().split()]
        return found

    def signal_sessions(self, number: signal.Signals) -> None:
        """Send a signal to all of them; one may just have ended."""
        for child in self.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def ssh(self, user: str = "root", **changes: object) -> SshAddress:
        base = SshAddress(
            address=self.address,
            port=self.port,
            user=user,
            identity_file=self.folder / "id",
            host_keys=(public(self.folder / "host_key"),),
        )
        return replace(base, **changes)  # type: ignore[arg-type]

    def host(self, user: str = "root", **changes: object) -> Host:
        host = Host(name="sshd", connection="ssh", ssh=self.ssh(user))
        return replace(host, **changes)  # type: ignore[arg-type]


def free_port() -> int:
    """One of 127.0.0.1 that no connection is given by chance before it is listened on."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", random.randrange(lowest // 2, lowest)))
            return int(probe.getsockname()[1])


def write_accounts(folder: Path) -> None:
    """Copies of the machine's account files with our accounts added."""
    docker = Path("/var/run/docker.sock").stat().st_gid
    passwd, shadow = Path("/etc/passwd").read_text(), "root:*:19000:0:99999:7:::\n"
    group = f"root:x:0:\nnogroup:x:65534:\nmxdocker:x:{docker}:{','.join(USES_DOCKER)}\n"
    for number, (name, shell) in enumerate(ACCOUNTS.items(), FIRST_ID):
        home = folder / "home" / name
        home.mkdir(parents=True)
        (home / ".bashrc").write_text(NOISE if name == "noisy" else "")
        for path in (home, home / ".bashrc"):
            os.chown(path, number, number)
        passwd += f"{name}:x:{number}:{number}::{home}:{shell}\n"
        shadow += f"{name}:*:19000:0:99999:7:::\n"
        group += f"{name}:x:{number}:\n"
    for name, text in (("passwd", passwd), ("shadow", shadow), ("group", group)):
        (folder / name).write_text(text)
    sudoers = folder / "sudoers"
    sudoers.write_text(SUDOERS.replace("DOCKER", f"{tool('docker')}"))
    sudoers.chmod(0o440)


def make_sshd(folder: Path, *, address: str = "127.0.0.1", port: int = 0) -> Sshd:
    for name in ("host_key", "id", "other"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
    shutil.copy(folder / "id.pub", folder / "authorized_keys")
    (folder / "authorized_keys").chmod(0o644)
    write_accounts(folder)
    port = port or free_port()
    (folder / "config").write_text(
        f"ListenAddress {address}:{port}\nHostKey {folder}/host_key\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
        "LogLevel VERBOSE\nUseDNS no\n"
    )
    return Sshd(folder=folder, port=port, address=address)


def read_all(stream, *, seconds: float = PATIENCE_SECONDS) -> tuple[bytes, bytes]:
    """Everything until the end, stdout and stderr."""
    parts: dict[int, bytes] = {1: b"", 2: b""}
    end = time.monotonic() + seconds
    while chunk := stream.receive(deadline_seconds=max(0.01, end - time.monotonic())):
        parts[chunk.source] += chunk.data
    return parts[1], parts[2]
