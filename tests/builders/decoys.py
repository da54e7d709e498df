"""Objects that look like the product's and are not: nobody may touch them."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builders.rig import run

#: The product's labels, with the ids of a run that never was.
LABELS = (
    "io.compat-matrix.run=decoy00000000",
    "io.compat-matrix.tether=decoy00000000.00000000",
    "io.compat-matrix.kind=container",
    "io.compat-matrix.cell=web@prod",
    "dev=K",
)


@dataclass(frozen=True)
class Decoys:
    """The names of one set of them."""

    salt: str

    @property
    def image(self) -> str:
        return f"mx-decoy-{self.salt}:dev"

    @property
    def container(self) -> str:
        return f"mx-decoy{self.salt}-web-prod-1"

    @property
    def network(self) -> str:
        return f"{self.container}-net"

    @property
    def volume(self) -> str:
        return f"{self.container}-data"

    def state(self) -> str:
        """Those on this machine's engine as they are."""
        state = "{{.Id}} {{.State.StartedAt}} {{.State.Running}}"
        return "".join(
            [
                run("docker", "inspect", "--format", state, self.container),
                run("docker", "network", "inspect", "--format", "{{.Id}}", self.network),
                run("docker", "volume", "inspect", "--format", "{{.CreatedAt}}", self.volume),
                run("docker", "image", "inspect", "--format", "{{.Id}} {{.RepoTags}}", self.image),
            ]
        )

    def build(self) -> None:
        """A tiny image with an anonymous volume, which no other set has."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Dockerfile").write_text(
                "FROM scratch\nCOPY busybox /bin/busybox\nVOLUME /anonymous\n"
                'ENTRYPOINT ["/bin/busybox", "sleep", "99999"]\n'
            )
            run("cp", run("which", "busybox").strip(), folder)
            own = ("--label", f"salt={self.salt}")
            run("docker", "build", "-q", "-t", self.image, *_labels(), *own, folder)

    def plant(self, *inside: str) -> None:
        """Make them with the ``docker`` that the words *inside* lead to."""
        run(*inside, "docker", "network", "create", *_labels(), self.network)
        run(*inside, "docker", "volume", "create", *_labels(), self.volume)
        words = ("--name", self.container, "--network", self.network, "-v", f"{self.volume}:/data")
        run(*inside, "docker", "run", "-d", *words, *_labels(), self.image)

    def remove(self) -> None:
        """Take them away from this machine's engine."""
        run("docker", "rm", "-f", "-v", self.container, check=False)
        run("docker", "network", "rm", self.network, check=False)
        run("docker", "volume", "rm", self.volume, check=False)
        run("docker", "image", "rm", "-f", self.image, check=False)


@contextlib.contextmanager
def planted(hosts: Iterable[str], *, salt: str) -> Iterator[None]:
    """Decoys on lab hosts, with which they go, and on this machine's engine.

    Fails at the end when somebody has touched the latter.
    """
    decoys = Decoys(salt=salt)
    try:
        decoys.build()
        for host in hosts:
            _plant_on(host, decoys)
        decoys.plant()
        before = decoys.state()
        yield
        after = decoys.state()
        assert after == before, f"somebody has touched the decoys:\n{before}\n{after}"
    finally:
        decoys.remove()


def _plant_on(host: str, decoys: Decoys) -> None:
    container = f"compat-lab-{host}"
    inside = ("docker", "exec", "-i", container)
    saved = subprocess.run(["docker", "save", decoys.image], check=True, capture_output=True)
    subprocess.run([*inside, "docker", "load", "-q"], input=saved.stdout, check=True)
    decoys.plant(*inside)
    # A process of another run, as far as its mark says.
    run("docker", "exec", "-d", container, "env", "MATRIX_RUN=decoy00000000", "sleep", "99999")


def _labels() -> list[str]:
    return [word for label in LABELS for word in ("--label", label)]
