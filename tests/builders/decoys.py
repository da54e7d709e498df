"""Objects that look like the product's and are not: nobody may touch them."""

import contextlib
import functools
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from builders.rig import run

IMAGE = "mx-decoy:dev"
#: The product's labels, with the ids of a run that never was.
LABELS = (
    "io.compat-matrix.run=decoy00000000",
    "io.compat-matrix.tether=decoy00000000.00000000",
    "io.compat-matrix.kind=container",
    "io.compat-matrix.cell=web@prod",
    "dev=K",
)
NAMES = ("mx-decoy-web-prod-1", "mx-decoy-web-prod-1-net", "mx-decoy-web-prod-1-data")


def plant_on(host: str) -> None:
    """Put decoys on a lab host; they go with it."""
    inside = ("docker", "exec", "-i", f"compat-lab-{host}")
    saved = subprocess.run(["docker", "save", decoy_image()], check=True, capture_output=True)
    subprocess.run([*inside, "docker", "load", "-q"], input=saved.stdout, check=True)
    _plant(inside)
    run("docker", "exec", "-d", *inside[3:], "env", f"MATRIX_RUN={LABELS[0]}", "sleep", "99999")


@contextlib.contextmanager
def plant_here() -> Iterator[None]:
    """Put decoys on this machine's engine, and take them away in the end."""
    decoy_image()
    _remove()
    _plant(())
    before = here()
    try:
        yield
        assert here() == before, "somebody has touched the decoys"
    finally:
        _remove()
        run("docker", "image", "rm", "-f", IMAGE, check=False)


def here() -> str:
    """The decoys on this machine's engine as they are."""
    state = "{{.Id}} {{.State.StartedAt}} {{.State.Running}}"
    return "".join(
        [
            run("docker", "inspect", "--format", state, NAMES[0]),
            run("docker", "network", "inspect", "--format", "{{.Id}}", NAMES[1]),
            run("docker", "volume", "inspect", "--format", "{{.CreatedAt}}", NAMES[2]),
            run("docker", "image", "inspect", "--format", "{{.Id}} {{.RepoTags}}", IMAGE),
        ]
    )


@functools.cache
def decoy_image() -> str:
    """A tiny image with an anonymous volume, under a name like one of ours."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text(
            "FROM scratch\nCOPY busybox /bin/busybox\nVOLUME /anonymous\n"
            'ENTRYPOINT ["/bin/busybox", "sleep", "99999"]\n'
        )
        run("cp", run("which", "busybox").strip(), folder)
        labels = [word for label in LABELS for word in ("--label", label)]
        run("docker", "build", "-q", "-t", IMAGE, *labels, folder)
    return IMAGE


def _plant(inside: tuple[str, ...]) -> None:
    labels = [word for label in LABELS for word in ("--label", label)]
    container, network, volume = NAMES
    run(*inside, "docker", "network", "create", *labels, network)
    run(*inside, "docker", "volume", "create", *labels, volume)
    mount = ("-v", f"{volume}:/data")
    words = ("--name", container, "--network", network, *mount, *labels, IMAGE)
    run(*inside, "docker", "run", "-d", *words)


def _remove() -> None:
    container, network, volume = NAMES
    run("docker", "rm", "-f", "-v", container, check=False)
    run("docker", "network", "rm", network, check=False)
    run("docker", "volume", "rm", volume, check=False)
