"""Images built on a real engine, from bases that take no time to make."""

import io
import json
import os
import secrets
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from docker import APIClient
from docker.errors import NotFound

from matrix.core.build import ImageState
from matrix.core.errors import BuildFailed, EngineUnavailable
from matrix.core.model import Base, Image
from matrix.delivery.build import build_images, image_status, image_tag
from matrix.delivery.build_bases import base_tag
from matrix.delivery.golden import busybox_archive
from matrix.wiring import build_socket

pytestmark = pytest.mark.engine

#: Makes a base in no time, and writes down that it was asked to.
RECIPE = """#!/bin/sh
echo "$1 $3" >> {folder}/made
zstd --quiet -o "$2" {folder}/rootfs.tar
"""
BUILDER = """ARG BASE
FROM ${BASE}
ARG PACKAGES
COPY ca-certificates.crt /authorities
RUN echo "$PACKAGES" > /packages
"""
DOCKERFILE = """ARG BASE
ARG BUILD
FROM ${BUILD} AS stage
RUN cat /packages > /made && echo {word} >> /made
FROM ${BASE}
COPY --from=stage /made /made
"""


@pytest.fixture(scope="module")
def client():
    with APIClient(base_url=f"unix://{build_socket()}", version="auto") as opened:
        yield opened


class Shop:
    """A catalogue in a folder of its own, with names that nobody else has."""

    def __init__(self, root: Path, client: APIClient) -> None:
        word = f"test-{secrets.token_hex(4)}"
        architecture = client.version()["Arch"]
        _, archive = busybox_archive(architecture, labels={"test": word})
        with tarfile.open(fileobj=io.BytesIO(archive)) as members:
            layer = next(name for name in members.getnames() if name.endswith("layer.tar"))
            (root / "rootfs.tar").write_bytes(members.extractfile(layer).read())
        self.root = root
        self.made = root / "made"
        self.write("base/make-base", RECIPE.format(folder=root)).chmod(0o755)
        self.write("base/builder/Dockerfile", BUILDER)
        self.write("app/Dockerfile", DOCKERFILE.replace("{word}", word))
        plain = Base(name=word, suite=word, context=root / "base")
        self.bases = (plain, replace(plain, name=f"{word}-build", builder=("one", "two")))
        self.image = Image(
            name=word,
            context=root / "app",
            bases={"BASE": plain.name, "BUILD": self.bases[1].name},
        )
        self.events = []

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def build(self, *, registry: str = "", cache: str = "cache"):
        self.events.clear()
        (status,) = build_images(
            [self.image],
            self.bases,
            socket=build_socket(),
            cache=self.root / cache,
            registry=registry,
            observe=self.events.append,
        )
        return status

    def status(self):
        (status,) = image_status([self.image], self.bases, socket=build_socket())
        return status

    def told(self) -> str:
        return "\n".join(f"{event.image}: {event.text}" for event in self.events)


@pytest.fixture
def shop(tmp_path, client):
    shop = Shop(tmp_path, client)
    before = {one["Id"] for one in client.images(all=True)}
    yield shop
    tags = [image_tag(shop.image), *(base_tag(base) for base in reversed(shop.bases))]
    for reference in [*tags, *untagged(client, before)]:
        try:
            client.remove_image(reference)
        except NotFound:
            continue


def untagged(client, before):
    """Build stages that these tests have left behind: those above the base of one shop."""
    for one in client.images(filters={"dangling": True}):
        steps = " ".join(str(step["CreatedBy"]) for step in client.history(one["Id"]))
        if one["Id"] not in before and "/packages" in steps:
            yield one["Id"]


def read(client, tag, path):
    """Bytes of a file in an image, which is never started; None when it has no such file."""
    container = client.create_container(tag, command=["sh"], labels={"dev": "A"})["Id"]
    try:
        stream, _ = client.get_archive(container, path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            return archive.extractfile(archive.next()).read()
    except NotFound:
        return None
    finally:
        client.remove_container(container, v=True)


def test_a_cold_build_makes_bases_first_and_a_warm_one_nothing(shop, client):
    assert shop.status().state is ImageState.MISSING
    built = shop.build()
    assert built.state is ImageState.CURRENT
    assert read(client, built.id, "/made") == f"one two\n{shop.image.name}\n".encode()
    assert built.size_bytes > 0
    assert built.created_at is not None
    order = [event.image for event in shop.events]
    assert order.index(f"base:{shop.image.name}") < order.index(f"base:{shop.bases[1].name}")
    assert order.index(f"base:{shop.bases[1].name}") < order.index(shop.image.name)
    assert shop.build() == built
    assert shop.events == []


def test_the_authorities_of_this_machine_stay_in_the_builder(shop, client):
    built = shop.build()
    assert b"BEGIN CERTIFICATE" in read(client, base_tag(shop.bases[1]), "/authorities")
    assert read(client, built.id, "/authorities") is None
    assert not list(shop.root.rglob("ca-certificates.crt")), "written beside the recipe"


def test_a_changed_file_makes_it_stale_and_the_old_one_goes(shop, client):
    first = shop.build()
    shop.write("app/Dockerfile", DOCKERFILE.replace("{word}", "changed"))
    stale = shop.status()
    assert (stale.state, stale.id) == (ImageState.STALE, first.id)
    second = shop.build()
    assert (second.state, second.id != first.id) == (ImageState.CURRENT, True)
    with pytest.raises(NotFound):
        client.inspect_image(first.id)


def test_an_old_image_that_a_container_runs_is_left_alone(shop, client):
    first = shop.build()
    container = client.create_container(first.id, command=["sh"], labels={"dev": "A"})["Id"]
    try:
        shop.write("app/Dockerfile", DOCKERFILE.replace("{word}", "changed"))
        assert shop.build().id != first.id
        assert client.inspect_image(first.id)["Id"] == first.id
    finally:
        client.remove_container(container, v=True)
        client.remove_image(first.id)


def test_a_base_is_made_once_for_all_engines(shop, client):
    shop.build()
    assert len(shop.made.read_text().splitlines()) == 1
    # What another engine would see: the same cache, and none of the images.
    for tag in (image_tag(shop.image), *(base_tag(base) for base in reversed(shop.bases))):
        client.remove_image(tag, force=True)
    assert shop.build().state is ImageState.CURRENT
    assert len(shop.made.read_text().splitlines()) == 1


def test_a_failing_step_is_told_with_its_output(shop):
    shop.write("app/Dockerfile", "ARG BASE\nFROM ${BASE}\nRUN echo the reason && exit 7\n")
    with pytest.raises(BuildFailed) as raised:
        shop.build()
    told = str(raised.value)
    assert told.startswith(f"image {shop.image.name}: Step 3/4 : RUN echo the reason && exit 7")
    assert "non-zero code: 7" in told
    assert "\n  | the reason" in told


def test_a_recipe_that_fails_is_told_with_what_it_said(shop):
    shop.write("base/make-base", "#!/bin/sh\necho no mirror >&2; exit 3\n")
    with pytest.raises(BuildFailed, match=r"make-base ended with 3\nno mirror"):
        shop.build()
    assert not list(shop.root.glob("cache/*"))


def test_a_damaged_base_is_told_with_what_to_do(shop):
    shop.write("base/make-base", '#!/bin/sh\necho rubbish > "$2"\n')
    with pytest.raises(BuildFailed, match="damaged: remove it and build again"):
        shop.build()


def test_a_missing_program_is_told_with_what_to_install(shop, monkeypatch):
    monkeypatch.setenv("PATH", os.fspath(shop.root))
    with pytest.raises(BuildFailed, match="apt-get install mmdebstrap zstd"):
        shop.build()


def test_no_engine_is_told_as_such(shop, tmp_path):
    with pytest.raises(EngineUnavailable, match="no engine answers"):
        image_status([shop.image], shop.bases, socket=tmp_path / "no.sock")


@pytest.fixture
def registry():
    """A registry on loopback; its ``host:port`` and digests by repository."""
    program = Path(__file__).parents[2] / "builders" / "fake_registry.py"
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as process:
        try:
            started = json.loads(process.stdout.readline())
            yield f"127.0.0.1:{started['port']}", started["digests"]
        finally:
            process.kill()


def based_on(shop, reference):
    """The shop with an image that takes nothing but its base."""
    shop.bases = (replace(shop.bases[0], reference=reference),)
    shop.image = replace(shop.image, bases={"BASE": shop.bases[0].name})
    shop.write("app/Dockerfile", "ARG BASE\nFROM ${BASE}\nENV BUILT=1\n")
    return shop


def test_a_registry_at_hand_gives_the_base_and_no_tag_of_its_own(shop, registry, client):
    address, digests = registry
    based_on(shop, f"good@{digests['good']}")
    built = shop.build(registry=address)
    pulled = f"{address}/good@{digests['good']}"
    try:
        assert built.state is ImageState.CURRENT
        assert f"pulled {pulled}" in shop.told()
        assert not shop.made.exists()
        assert len(read(client, built.id, "/good")) == 50_000
        assert client.inspect_image(pulled)["RepoTags"] == []
    finally:
        client.remove_image(image_tag(shop.image))
        client.remove_image(base_tag(shop.bases[0]))
        client.remove_image(pulled)


@pytest.mark.parametrize("repository", ["blob404", "auth401", "gone"])
def test_a_registry_that_fails_is_told_and_passed_over(repository, shop, registry):
    address, digests = registry
    based_on(shop, f"{repository}@{digests[repository]}")
    assert shop.build(registry=address).state is ImageState.CURRENT
    assert "making it from packages" in shop.told()
    assert shop.made.exists()


def test_a_registry_that_is_not_there_is_told_and_passed_over(shop):
    based_on(shop, "debian:bookworm-slim")
    assert shop.build(registry="127.0.0.1:1").state is ImageState.CURRENT
    assert "127.0.0.1:1/debian:bookworm-slim" in shop.told()
