"""Servers of a customer that one reaches as their administrator does: with ssh, as a plain user."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from matrix.lab.plan import HostPlan

#: What a run of a kit may take on a slow machine before it counts as hung.
RUN_SECONDS = 400
#: What is to be on a server after a kit as before: folder's files, engine's objects, processes.
SNAPSHOT = """
for folder in /tmp /var/tmp "$XDG_RUNTIME_DIR"; do [ -z "$folder" ] || ls -A "$folder"; done
{engine} ps -aq; {engine} network ls --format '{{{{.Name}}}}'; {engine} volume ls -q
{engine} images -q --no-trunc
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o 'mx-[a-z0-9-]*' | sort -u
grep -lsE 'MATRIX_(RUN|TETHER|SHELL)=' /proc/[0-9]*/environ
"""


@dataclass(frozen=True)
class CustomerServer:
    """A host of a lab, and the account of its inventory there."""

    plan: HostPlan

    def run(self, script: str, *, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """A script for the account's shell, with *given* on its stdin."""
        plan = self.plan
        options = ["-F", "none", "-o", "IdentitiesOnly=yes", "-i", str(plan.identity_file)]
        options += ["-o", f"UserKnownHostsFile={plan.known_hosts}"]
        return subprocess.run(
            ["ssh", *options, f"{plan.user}@{plan.address}", script],
            input=given,
            capture_output=True,
            check=False,
            timeout=RUN_SECONDS,
        )

    def output(self, script: str, *, given: bytes = b"") -> bytes:
        """What the script prints; it must succeed."""
        done = self.run(script, given=given)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def put(self, file: Path, *, to: str) -> None:
        """A copy of *file* in the account's folder."""
        self.output(f"mkdir -p $(dirname {to}) && cat >{to}", given=file.read_bytes())

    def snapshot(self) -> list[str]:
        """What a kit could leave, one a line."""
        script = SNAPSHOT.format(engine=self.plan.engine)
        return self.run(script).stdout.decode().splitlines()
