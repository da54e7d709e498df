import threading
from dataclasses import replace

import pytest
from builders.archives import digest_of, files_of, tar_of
from builders.images import FakeImages, FakeJournal

from matrix.core.errors import (
    Cancelled,
    DeliveryFailed,
    DiskFull,
    EngineLost,
    ImageMismatch,
    PullFailed,
    WrongArchitecture,
)
from matrix.core.store_ports import Intent
from matrix.delivery.deliver import Disk, Wanted, capped, check_disk, deliver

INTENT = Intent(run="r1", cell=None, environment="qa", host="qa-1", kind="", name="queue")
GIB = 1024**3
ROOMY = Disk(free_bytes=50 * GIB, total_bytes=100 * GIB, floor_bytes=GIB)
REFERENCE = "registry.test/queue@sha256:" + "b" * 64


def quiet(*, sent_bytes, total_bytes):
    del sent_bytes, total_bytes


def bring(image_id, target, *, source=None, journal=None, reference="", **changes):
    arguments = {"intent": INTENT, "disk": ROOMY, "progress": quiet, **changes}
    wanted = Wanted(image_id=image_id, reference=reference, architecture=target.architecture)
    return deliver(
        wanted, target=target, source=source, journal=journal or FakeJournal(), **arguments
    )


def test_an_image_that_is_there_is_used_and_not_journalled():
    target, journal = FakeImages(), FakeJournal()
    image = target.add("queue")
    assert bring(image.id, target, journal=journal, reference=REFERENCE) is image
    assert target.calls == []
    assert journal.intended == []


def test_an_image_in_a_registry_is_pulled_by_its_digest():
    source, journal = FakeImages(), FakeJournal()
    image = source.add("queue")
    target = FakeImages(registry={REFERENCE: image})
    assert bring("", target, journal=journal, reference=REFERENCE) == image
    assert target.calls == ["pull"]
    assert journal.open_entries() == (
        (1, replace(INTENT, kind="image", name=REFERENCE, id=image.id)),
    )


def test_an_image_of_the_local_engine_is_sent_as_an_archive():
    source, target, journal = FakeImages(), FakeImages(), FakeJournal()
    image, told = source.add("queue"), []

    def progress(*, sent_bytes, total_bytes):
        told.append((sent_bytes, total_bytes))

    assert bring(image.id, target, source=source, journal=journal, progress=progress) == image
    assert (source.calls, target.calls) == (["save"], ["load"])
    assert told[-1] == (1000, 1000)
    assert journal.open_entries() == (
        (1, replace(INTENT, kind="image", name=image.id, id=image.id)),
    )


def test_the_journal_knows_of_the_image_before_it_is_brought():
    source, journal = FakeImages(), FakeJournal()
    image = source.add("queue")

    class Watching(FakeImages):
        def load_image(self, archive, image_id, *, seconds):
            assert [intent.id for _, intent in journal.open_entries()] == [image.id]
            return super().load_image(archive, image_id, seconds=seconds)

    bring(image.id, Watching(), source=source, journal=journal)


@pytest.mark.parametrize("source", [None, FakeImages()], ids=["no source", "not there either"])
def test_an_image_that_is_nowhere_is_not_delivered(source):
    with pytest.raises(DeliveryFailed, match="matrix image build"):
        bring("sha256:" + "0" * 64, FakeImages(), source=source)


def test_a_failed_pull_is_not_made_good_by_an_image_of_the_same_name():
    target, journal = FakeImages(), FakeJournal()
    target.add("stale")
    target.raises["pull"] = PullFailed("blob unknown")
    with pytest.raises(PullFailed):
        bring("", target, journal=journal, reference=REFERENCE)
    assert journal.open_entries() == ()


@pytest.mark.parametrize("where", ["target", "source"])
def test_an_image_for_another_architecture_is_unsupported_and_says_both(where):
    source, target = FakeImages(), FakeImages()
    image = {"target": target, "source": source}[where].add("queue", architecture="arm64")
    with pytest.raises(
        WrongArchitecture, match=r"the host asks for amd64, image \S+ is made for arm64"
    ):
        bring(image.id, target, source=source)
    assert target.calls == []


def test_a_pulled_image_of_another_architecture_is_removed_again():
    image = FakeImages().add("queue", architecture="arm64")
    target, journal = FakeImages(registry={REFERENCE: image}), FakeJournal()
    with pytest.raises(WrongArchitecture):
        bring("", target, journal=journal, reference=REFERENCE)
    assert target.images == {}
    assert journal.open_entries() == ()


def test_a_pulled_image_that_is_another_than_asked_for_is_removed_again():
    image = FakeImages().add("queue")
    target, journal = FakeImages(registry={REFERENCE: image}), FakeJournal()
    with pytest.raises(ImageMismatch):
        bring("sha256:" + "0" * 64, target, journal=journal, reference=REFERENCE)
    assert target.images == {}
    assert journal.open_entries() == ()


def test_what_cannot_be_told_stays_in_the_journal():
    source, target, journal = FakeImages(), FakeImages(), FakeJournal()
    image = source.add("queue")

    class Dying(FakeImages):
        def load_image(self, archive, image_id, *, seconds):
            self.gone = True
            raise EngineLost

        def inspect_image(self, reference):
            if getattr(self, "gone", False):
                raise EngineLost

    target = Dying()
    with pytest.raises(EngineLost):
        bring(image.id, target, source=source, journal=journal)
    assert [intent.id for _, intent in journal.open_entries()] == [image.id]


def test_a_full_disk_is_found_out_before_the_host_is_touched():
    source, target, journal = FakeImages(), FakeImages(), FakeJournal()
    image = source.add("queue", size_bytes=2 * GIB)
    tight = Disk(free_bytes=3 * GIB, total_bytes=100 * GIB, floor_bytes=GIB)
    with pytest.raises(DiskFull, match="host qa-1 has 3221225472 bytes free"):
        bring(image.id, target, source=source, journal=journal, disk=tight)
    assert (target.calls, journal.intended) == ([], [])


@pytest.mark.parametrize(
    ("free", "total", "floor", "size", "enough"),
    [
        pytest.param(10, 100, 5, 4, True, id="roomy"),
        pytest.param(4, 100, 5, 0, False, id="below the floor"),
        pytest.param(10, 100, 0, 6, False, id="less than twice the image"),
        pytest.param(9, 20, 8, 4, True, id="below the floor afterwards, a tenth is left"),
        pytest.param(9, 80, 8, 4, False, id="below the floor and a tenth afterwards"),
        pytest.param(9, None, 8, 4, True, id="size of the disk unknown"),
        pytest.param(None, None, 8, 4, True, id="nothing known"),
    ],
)
def test_a_disk_must_take_the_image_and_stay_usable(free, total, floor, size, enough):
    disk = Disk(free_bytes=free, total_bytes=total, floor_bytes=floor)
    if enough:
        check_disk(disk, size, where="h")
    else:
        with pytest.raises(DiskFull):
            check_disk(disk, size, where="h")


def test_an_archive_longer_than_its_image_may_be_is_cut_off():
    endless = iter(lambda: b"x" * 65536, None)
    with pytest.raises(DeliveryFailed, match="the image says it has 100"):
        for _ in capped(endless, size_bytes=100):
            pass


class Layered(FakeImages):
    """Saves images of two layers, one of which is large; keeps what is sent to it."""

    LOWER, UPPER = b"l" * 50_000, b"u" * 500
    LAYERS = tuple(digest_of(layer) for layer in (LOWER, UPPER))

    def __init__(self):
        super().__init__()
        self.sent = []
        #: How often it has refused an archive that lacks a layer.
        self.refused = 0
        self.wants_all = False

    def add_layered(self):
        image = replace(self.add("queue", size_bytes=60_000), layers=self.LAYERS)
        self.images[image.id] = image
        return image

    def save_image(self, image_id, *, seconds):
        yield tar_of({"a/layer.tar": self.LOWER, "b/layer.tar": self.UPPER})

    def load_image(self, archive, image_id, *, seconds):
        files = files_of(b"".join(archive))
        self.sent.append(set(files))
        if self.wants_all and len(files) < len(self.LAYERS):
            self.refused += 1
            raise DeliveryFailed("some layer tarfiles are missing")
        return super().load_image([], image_id, seconds=seconds)


def test_a_layer_that_the_host_has_is_not_sent_again():
    source, target, told = Layered(), Layered(), []
    image = source.add_layered()
    target.known = frozenset(image.layers[:1])
    bring(image.id, target, source=source, progress=lambda **said: told.append(said))
    assert target.sent == [{"b/layer.tar"}]
    assert told[-1]["sent_bytes"] < 20_000
    assert told[-1]["total_bytes"] < 20_000


def test_an_engine_that_wants_all_layers_is_sent_all():
    source, target = Layered(), Layered()
    image = source.add_layered()
    target.known, target.wants_all = frozenset(image.layers[:1]), True
    assert bring(image.id, target, source=source).id == image.id
    assert target.refused == 1
    assert target.sent[-1] == {"a/layer.tar", "b/layer.tar"}


def test_a_full_disk_is_not_filled_twice():
    source, target = Layered(), Layered()
    image = source.add_layered()
    target.known, target.raises["load"] = frozenset(image.layers[:1]), DiskFull("no space left")
    with pytest.raises(DiskFull):
        bring(image.id, target, source=source)
    assert target.calls == ["load"]


def test_whoever_watches_can_stop_a_delivery():
    source, target, journal = FakeImages(), FakeImages(), FakeJournal()
    image = source.add("queue")

    def stop(*, sent_bytes, total_bytes):
        raise Cancelled

    with pytest.raises(Cancelled):
        bring(image.id, target, source=source, journal=journal, progress=stop)
    assert target.images == {}
    assert journal.open_entries() == ()


def test_two_cells_that_want_one_image_bring_it_once():
    source, target, journal = FakeImages(), FakeImages(), FakeJournal()
    image, results = source.add("queue"), []
    target.gate.clear()
    cells = [
        threading.Thread(
            target=lambda: results.append(bring(image.id, target, source=source, journal=journal))
        )
        for _ in range(3)
    ]
    for cell in cells:
        cell.start()
    target.gate.set()
    for cell in cells:
        cell.join()
    assert [one.id for one in results] == [image.id] * 3
    assert target.calls == ["load"]
    assert len(journal.intended) == 1
