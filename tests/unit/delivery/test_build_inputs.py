"""What makes an image stale, and what does not."""

import tarfile
from dataclasses import replace

import pytest

from matrix.core.errors import BuildFailed
from matrix.core.model import Base, Image
from matrix.delivery.build import Task, needed_bases, outdated
from matrix.delivery.build_inputs import (
    base_inputs,
    context_archive,
    context_files,
    image_inputs,
    plain_base,
)


@pytest.fixture
def catalogue(tmp_path):
    """A folder with one base recipe and one image."""
    (tmp_path / "base" / "builder").mkdir(parents=True)
    (tmp_path / "base" / "make-base").write_text("#!/bin/sh\n")
    (tmp_path / "base" / "builder" / "Dockerfile").write_text("FROM x\n")
    (tmp_path / "web" / "site").mkdir(parents=True)
    (tmp_path / "web" / "Dockerfile").write_text("FROM x\n")
    (tmp_path / "web" / "site" / "index.html").write_text("hello")
    (tmp_path / "web" / "run").write_text("#!/bin/sh\n")
    (tmp_path / "web" / "run").chmod(0o755)
    return tmp_path


@pytest.fixture
def bases(catalogue):
    plain = Base(name="bookworm", suite="bookworm", context=catalogue / "base")
    return (plain, replace(plain, name="build", builder=("python3",)))


@pytest.fixture
def image(catalogue):
    return Image(
        name="web", context=catalogue / "web", bases={"BASE": "bookworm", "BUILD": "build"}
    )


CHANGES = {
    "a file's content": lambda root: (root / "web/site/index.html").write_text("other"),
    "a new file": lambda root: (root / "web/site/more.html").write_text(""),
    "a file less": lambda root: (root / "web/site/index.html").unlink(),
    "a file's name": lambda root: (root / "web/run").rename(root / "web/start"),
    "no longer executable": lambda root: (root / "web/run").chmod(0o644),
    "a link's target": lambda root: (root / "web/link").symlink_to("elsewhere"),
    "the base's recipe": lambda root: (root / "base/make-base").write_text("#!/bin/sh\ntrue\n"),
    "the builder's recipe": lambda root: (root / "base/builder/Dockerfile").write_text("FROM y\n"),
}

NO_CHANGES = {
    "a mode that git does not keep": lambda root: (root / "web/run").chmod(0o775),
    "a time": lambda root: (root / "web/run").touch(),
    "what Python leaves behind": lambda root: leave_bytecode(root / "web/__pycache__"),
}


def leave_bytecode(folder):
    folder.mkdir()
    (folder / "app.pyc").write_bytes(b"x")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_counts_changes_the_digest(change, catalogue, bases, image):
    before = image_inputs(image, bases)
    change(catalogue)
    assert image_inputs(image, bases) != before


@pytest.mark.parametrize("change", NO_CHANGES.values(), ids=NO_CHANGES)
def test_what_differs_between_clones_does_not_count(change, catalogue, bases, image):
    before = image_inputs(image, bases)
    change(catalogue)
    assert image_inputs(image, bases) == before


def test_the_packages_of_a_builder_count(bases, image):
    other = (bases[0], replace(bases[1], builder=("python3", "gcc")))
    assert image_inputs(image, bases) != image_inputs(image, other)


def test_the_suite_and_the_reference_of_a_base_count(bases):
    digests = {
        base_inputs(base, bases)
        for base in (
            bases[0],
            replace(bases[0], suite="trixie"),
            replace(bases[0], reference="debian:bookworm-slim"),
        )
    }
    assert len(digests) == 3


def test_an_image_that_is_only_pulled_has_no_inputs(bases):
    assert image_inputs(Image(name="pulled", context=None, reference="x@sha256:0"), bases) == ""


def test_a_context_without_a_dockerfile_is_refused(catalogue):
    (catalogue / "web/Dockerfile").unlink()
    with pytest.raises(BuildFailed, match="has no Dockerfile"):
        context_files(catalogue / "web")


def test_a_context_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BuildFailed, match="nowhere"):
        context_files(tmp_path / "nowhere")


def test_an_unknown_base_is_refused_with_the_known_ones(bases, image):
    with pytest.raises(BuildFailed, match=r'no base "sid" \(known: bookworm, build\)'):
        image_inputs(replace(image, bases={"BASE": "sid"}), bases)


def test_the_archive_holds_the_files_with_modes_of_two_kinds(catalogue):
    (catalogue / "web/link").symlink_to("run")
    (catalogue / "web/run").chmod(0o775)
    with tarfile.open(fileobj=context_archive(context_files(catalogue / "web"))) as archive:
        found = {one.name: (one.mode, one.linkname, one.mtime, one.uid) for one in archive}
    assert found == {
        "Dockerfile": (0o644, "", 0, 0),
        "link": (0o755, "run", 0, 0),
        "run": (0o755, "", 0, 0),
        "site/index.html": (0o644, "", 0, 0),
    }


def test_plain_bases_come_before_the_builders_made_from_them(bases, image):
    only_builder = replace(image, bases={"BUILD": "build"})
    assert [base.name for base in needed_bases([only_builder], bases)] == ["bookworm", "build"]
    assert [base.name for base in needed_bases([image, image], bases)] == ["bookworm", "build"]


def test_a_builder_without_a_plain_base_of_its_suite_gets_one(bases):
    plain = plain_base(bases[1], bases[1:])
    assert (plain.name, plain.builder) == ("bookworm", ())


def test_only_what_does_not_carry_its_inputs_is_due():
    tasks = [Task(tag=tag, inputs="1", after=(), work=print) for tag in ("now", "old", "none")]
    due = outdated(tasks, {"now": "1", "old": "0", "none": ""})
    assert [task.tag for task in due] == ["old", "none"]
