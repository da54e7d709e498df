"""A base image that a real registry has by tag, as a mirror of Debian's would."""

import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.containers import docker, import_busybox
from builders.sshd import free_port

from matrix.core.build import ImageState
from matrix.core.model import Base, Image
from matrix.delivery.build import build_images, image_tag
from matrix.delivery.build_bases import base_tag
from matrix.wiring import build_socket

pytestmark = pytest.mark.engine

CONFIG = """
version: 0.1
storage: {{ filesystem: {{ rootdirectory: {folder}/blobs }} }}
http: {{ addr: "127.0.0.1:{port}" }}
"""
REFERENCE = "debian:bookworm-slim"
START_SECONDS = 120


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """``host:port`` of Debian's docker-registry, empty and on loopback."""
    port = free_port()
    config = tmp_path / "registry.yml"
    config.write_text(CONFIG.format(folder=tmp_path, port=port))
    with (tmp_path / "registry.log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", config], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_open(port, tmp_path / "registry.log")
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def wait_until_open(port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def mirrored(registry: str) -> str:
    """The reference of a tiny base in the registry, no more known to the engine."""
    reference = f"{registry}/{REFERENCE}"
    image = import_busybox()
    docker("tag", image.id, reference)
    docker("push", reference)
    docker("rmi", reference)
    return reference


def layers(reference: str) -> str:
    return docker("inspect", "-f", "{{json .RootFS.Layers}}", reference)


def test_with_a_registry_at_hand_the_base_comes_from_it_by_its_tag(
    registry: str, mirrored: str, tmp_path: Path
):
    name = f"test-{secrets.token_hex(4)}"
    base = Base(name=name, suite="bookworm", context=tmp_path / "base", reference=REFERENCE)
    image = Image(name=name, context=tmp_path / "app", bases={"BASE": name})
    for folder in ("app", "base"):
        (tmp_path / folder).mkdir()
    (tmp_path / "app/Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nENV BUILT=1\n")
    (tmp_path / "base/make-base").write_text("#!/bin/sh\nexit 1\n")
    told: list[str] = []
    (built,) = build_images(
        [image],
        [base],
        socket=build_socket(),
        cache=tmp_path / "cache",
        registry=registry,
        observe=lambda event: told.append(event.text),
    )
    repository = mirrored.rpartition(":")[0]
    try:
        assert built.state is ImageState.CURRENT, told
        (digest,) = {line.rpartition("@")[2] for line in told if line.startswith("pulled ")}
        assert f"pulled {repository}@{digest}" in told
        layers = docker("inspect", "-f", "{{json .RootFS.Layers}}", built.id)
        assert layers == docker(
            "inspect", "-f", "{{json .RootFS.Layers}}", f"{repository}@{digest}"
        )
        tags = docker("images", "--format", "{{.Tag}}", repository).split()
        assert tags == ["<none>"], "the engine's own tags are not moved"
    finally:
        for reference in (image_tag(image), base_tag(base), f"{repository}@{digest}"):
            docker("rmi", reference)
