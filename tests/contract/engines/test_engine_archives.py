"""Images, brought and sent.

The name of this file puts it first: a Podman service that has started containers now and then
dials from the network namespace of one of them afterwards, and finds no registry there.
"""

import hashlib
import secrets

import pytest
from builders.archives import image_of, tar_of
from builders.engines import SECONDS, tiny_image

from matrix.core.errors import (
    Cancelled,
    DeliveryFailed,
    PullFailed,
    WrongArchitecture,
)
from matrix.delivery.golden import busybox_archive
from matrix.delivery.remaining import Remaining

pytestmark = pytest.mark.engine


def quiet(*, sent_bytes, total_bytes):
    del sent_bytes, total_bytes


@pytest.fixture
def tiny(engine):
    """An image that is not there yet, gone at the end: id and archive."""
    image_id, archive = tiny_image()
    yield image_id, archive
    engine.remove_object("image", image_id)


def pieces(data, size=4096):
    return (data[start : start + size] for start in range(0, len(data), size))


def tags(place):
    return {
        (tag, image["Id"].removeprefix("sha256:"))
        for image in place.client().images()
        for tag in image["RepoTags"] or []
        if tag != "<none>:<none>" and "@" not in tag
    }


def test_an_image_is_loaded_by_its_id_and_gets_no_name(place, engine, tiny):
    image_id, archive = tiny
    assert engine.inspect_image(image_id) is None
    before = tags(place)
    loaded = engine.load_image(pieces(archive), image_id, seconds=SECONDS)
    assert (loaded.id, loaded.architecture) == (image_id, "amd64")
    assert loaded.size_bytes > 1_000_000
    assert loaded.labels["test"]
    assert engine.inspect_image(image_id) == loaded
    assert {pair for pair in tags(place) if pair[1] == image_id.removeprefix("sha256:")} == set()
    assert before <= tags(place)


def test_an_image_saved_can_be_loaded_again(engine, tiny):
    image_id, archive = tiny
    engine.load_image([archive], image_id, seconds=SECONDS)
    saved = b"".join(engine.save_image(image_id, seconds=SECONDS))
    engine.remove_object("image", image_id)
    assert engine.inspect_image(image_id) is None
    assert engine.load_image([saved], image_id, seconds=SECONDS).id == image_id


def test_an_image_that_is_not_there_cannot_be_saved(engine):
    with pytest.raises(DeliveryFailed):
        list(engine.save_image("sha256:" + "0" * 64, seconds=SECONDS))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_an_archive_that_is_cut_off_leaves_no_image(engine, tiny, share):
    image_id, archive = tiny
    with pytest.raises(DeliveryFailed):
        engine.load_image(pieces(archive[: int(len(archive) * share)]), image_id, seconds=SECONDS)
    assert engine.inspect_image(image_id) is None


def test_an_archive_of_another_image_is_not_taken_for_this_one(engine, tiny):
    wanted = "sha256:" + hashlib.sha256(b"another").hexdigest()
    with pytest.raises(DeliveryFailed, match="not there"):
        engine.load_image([tiny[1]], wanted, seconds=SECONDS)


def test_what_is_no_archive_is_refused_in_the_engines_words(engine):
    with pytest.raises(DeliveryFailed, match="tar"):
        engine.load_image([b"no archive at all" * 100], "sha256:" + "0" * 64, seconds=SECONDS)


def test_what_breaks_the_archive_is_the_error_not_what_the_engine_made_of_it(engine, tiny):
    image_id, archive = tiny

    def broken():
        yield archive[:100_000]
        raise Cancelled

    with pytest.raises(Cancelled):
        engine.load_image(broken(), image_id, seconds=SECONDS)
    assert engine.inspect_image(image_id) is None
    assert engine.load_image([archive], image_id, seconds=SECONDS).id == image_id


@pytest.fixture
def layers(engine, tiny):
    """Layers of the tiny image, which is loaded."""
    image_id, archive = tiny
    return engine.load_image([archive], image_id, seconds=SECONDS).layers


def test_an_archive_may_lack_the_layers_that_are_known(place, engine, layers):
    known = engine.known_layers(layers)
    assert known == (frozenset() if place.name.startswith("podman") else frozenset(layers))
    image_id, archive = tiny_image()
    remaining = Remaining(pieces(archive), known=known)
    try:
        assert engine.load_image(remaining, image_id, seconds=SECONDS).layers == layers
        assert remaining.left_out_bytes > 1_000_000 or not known
    finally:
        engine.remove_object("image", image_id)


@pytest.mark.parametrize("above", [False, True], ids=["below another", "above another"])
def test_a_layer_is_known_only_with_all_that_is_below_it(place, engine, layers, above):
    strange = "sha256:" + "0" * 64
    asked = (strange, *layers) if above else (*layers, strange)
    expected = above or place.name.startswith("podman")
    assert engine.known_layers(asked) == (frozenset() if expected else frozenset(layers))


def test_a_layer_that_an_image_has_twice_is_to_be_sent(engine, layers):
    assert engine.known_layers((*layers, *layers)) == frozenset()


def test_an_archive_that_lacks_what_the_engine_has_not_is_refused(engine):
    image_id, files = image_of(tar_of({"x": secrets.token_bytes(1000)}))
    del files["layer.tar"]
    with pytest.raises(DeliveryFailed):
        engine.load_image([tar_of(files)], image_id, seconds=SECONDS)
    assert engine.inspect_image(image_id) is None


def test_an_image_for_another_machine_is_told_by_its_architecture(engine):
    image_id, archive = busybox_archive("arm64", labels={"test": "other machine"})
    assert engine.load_image([archive], image_id, seconds=SECONDS).architecture == "arm64"
    engine.remove_object("image", image_id)


def reference(registry, repository):
    return f"127.0.0.1:{registry['port']}/{repository}@{registry['digests'][repository]}"


def test_an_image_is_pulled_by_its_digest(engine, fake_registry):
    seen = []

    def progress(*, sent_bytes, total_bytes):
        seen.append((sent_bytes, total_bytes))

    wanted = reference(fake_registry, "good")
    image = engine.pull_image(wanted, architecture="amd64", seconds=SECONDS, progress=progress)
    try:
        assert wanted in image.digests
        assert engine.inspect_image(wanted) == image
        assert engine.inspect_image(image.id).id == image.id
    finally:
        engine.remove_object("image", image.id)
    assert engine.inspect_image(wanted) is None


@pytest.mark.parametrize(
    ("repository", "words"),
    [("blob404", "unknown"), ("gone", "manifest unknown"), ("auth401", "(?i)unauthorized|authent")],
)
def test_a_registry_that_does_not_give_the_image_is_a_failed_pull(
    engine, fake_registry, repository, words
):
    wanted = reference(fake_registry, repository)
    with pytest.raises(PullFailed, match=words):
        engine.pull_image(wanted, architecture="amd64", seconds=SECONDS, progress=quiet)
    assert engine.inspect_image(wanted) is None


def test_an_image_not_made_for_the_machine_is_the_wrong_architecture(engine, fake_registry):
    with pytest.raises(WrongArchitecture):
        engine.pull_image(
            reference(fake_registry, "index"), architecture="amd64", seconds=SECONDS, progress=quiet
        )
    wanted = reference(fake_registry, "arm64")
    with pytest.raises(WrongArchitecture):
        engine.pull_image(wanted, architecture="amd64", seconds=SECONDS, progress=quiet)
    image = engine.inspect_image(wanted)
    if image is not None:
        engine.remove_object("image", image.id)


def test_a_stale_image_under_the_same_name_does_not_hide_a_failed_pull(
    place, engine, fake_registry, tiny
):
    """E1: the high-level client returns the old image here, without an error."""
    image_id, archive = tiny
    engine.load_image([archive], image_id, seconds=SECONDS)
    client, repository = place.client(), f"127.0.0.1:{fake_registry['port']}/blob404"
    client.tag(image_id, repository, "latest")
    try:
        with pytest.raises(PullFailed):
            engine.pull_image(
                reference(fake_registry, "blob404"),
                architecture="amd64",
                seconds=SECONDS,
                progress=quiet,
            )
    finally:
        client.remove_image(f"{repository}:latest", noprune=True)


def test_a_pull_moves_no_tag_on_the_host(place, engine, fake_registry, tiny):
    """C1: the host's own ``:prod`` is what it was."""
    image_id, archive = tiny
    engine.load_image([archive], image_id, seconds=SECONDS)
    client, repository = place.client(), f"127.0.0.1:{fake_registry['port']}/good"
    client.tag(image_id, repository, "prod")
    before = tags(place)
    image = engine.pull_image(
        reference(fake_registry, "good"), architecture="amd64", seconds=SECONDS, progress=quiet
    )
    try:
        assert image.id != image_id
        assert tags(place) == before
        assert engine.inspect_image(f"{repository}:prod").id == image_id
    finally:
        engine.remove_object("image", image.id)
        client.remove_image(f"{repository}:prod", noprune=True)


@pytest.mark.parametrize("name", ["127.0.0.1:1/x:latest", "127.0.0.1:1/x", "x@sha512:00"])
def test_nothing_is_pulled_but_by_digest(engine, name):
    with pytest.raises(PullFailed, match="by digest only"):
        engine.pull_image(name, architecture="amd64", seconds=SECONDS, progress=quiet)


def test_a_registry_that_is_not_there_is_a_failed_pull(engine):
    with pytest.raises(PullFailed, match="refused"):
        engine.pull_image(
            "127.0.0.1:1/x@sha256:" + "0" * 64,
            architecture="amd64",
            seconds=SECONDS,
            progress=quiet,
        )
