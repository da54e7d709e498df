"""An sshd that can be cut off without a word."""

import contextlib
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from builders.sshd import Sshd, make_sshd, tool, wait_until


@contextlib.contextmanager
def far_sshd(folder: Path, mark: str) -> Iterator[tuple[Sshd, Callable[[], None]]]:
    """An sshd in a network namespace of its own, and what cuts it off without a word."""
    here, there, space = f"{mark}h", f"{mark}t", f"mx-{mark}"
    ip = tool("ip")

    def inside(*words: str) -> None:
        subprocess.run([ip, "netns", "exec", space, *words], check=True)

    octet = 16 + secrets.randbelow(200)
    subprocess.run([ip, "netns", "add", space], check=True)
    try:
        subprocess.run([ip, "link", "add", here, "type", "veth", "peer", there], check=True)
        subprocess.run([ip, "link", "set", there, "netns", space], check=True)
        subprocess.run([ip, "addr", "add", f"198.18.{octet}.1/30", "dev", here], check=True)
        subprocess.run([ip, "link", "set", here, "up"], check=True)
        inside(ip, "addr", "add", f"198.18.{octet}.2/30", "dev", there)
        inside(ip, "link", "set", there, "up")
        inside(ip, "link", "set", "lo", "up")
        sshd = make_sshd(folder, address=f"198.18.{octet}.2", port=2222)

        def cut() -> None:
            for chain in ("INPUT", "OUTPUT"):
                inside(tool("iptables"), "-I", chain, "-p", "tcp", "-j", "DROP")

        try:
            sshd.start(prefix=(ip, "netns", "exec", space))
            wait_until(sshd.answers)
            yield sshd, cut
        finally:
            sshd.stop()
    finally:
        subprocess.run([ip, "netns", "del", space], check=True)
