import io
import tarfile

import pytest
from builders.archives import digest_of, files_of, tar_of

from matrix.core.errors import Cancelled, DeliveryFailed
from matrix.delivery import remaining
from matrix.delivery.remaining import Remaining

FILES = {"a/layer.tar": b"a" * 3000, "a/json": b"{}", "manifest.json": b"[]", "b/layer.tar": b""}


def in_pieces(data, size=700):
    return (data[start : start + size] for start in range(0, len(data), size))


def passed_on(data, *known):
    return b"".join(Remaining(in_pieces(data), known=frozenset(known)))


def test_without_a_known_layer_the_archive_is_passed_on_byte_by_byte():
    assert passed_on(b"whatever it is") == b"whatever it is"


@pytest.mark.parametrize("held_bytes", [1, 10_000], ids=["on disk", "in memory"])
def test_what_is_known_is_left_out_and_the_rest_is_as_it_was(monkeypatch, held_bytes):
    monkeypatch.setattr(remaining, "HELD_BYTES", held_bytes)
    left = passed_on(tar_of(FILES), digest_of(FILES["a/layer.tar"]), "sha256:" + "0" * 64)
    assert files_of(left) == {name: FILES[name] for name in FILES if name != "a/layer.tar"}


def test_folders_and_links_are_passed_on():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        folder, link = tarfile.TarInfo("b"), tarfile.TarInfo("b/layer.tar")
        folder.type, link.type, link.linkname = tarfile.DIRTYPE, tarfile.SYMTYPE, "../a/layer.tar"
        archive.addfile(folder)
        archive.addfile(link)
    with tarfile.open(fileobj=io.BytesIO(passed_on(out.getvalue(), "sha256:x"))) as archive:
        assert [(one.name, one.type, one.linkname) for one in archive] == [
            ("b", tarfile.DIRTYPE, ""),
            ("b/layer.tar", tarfile.SYMTYPE, "../a/layer.tar"),
        ]


def test_a_long_name_stays_whole():
    name = "blobs/" + "x" * 300
    assert files_of(passed_on(tar_of({name: b"1"}), "sha256:x")) == {name: b"1"}


def test_it_says_how_much_was_left_out():
    archive = Remaining([tar_of(FILES)], known=frozenset({digest_of(FILES["a/layer.tar"])}))
    sent = sum(map(len, archive))
    assert archive.left_out_bytes == 3000
    assert sent < len(tar_of(FILES))


@pytest.mark.parametrize("broken", [b"no archive at all" * 100, tar_of(FILES)[:2000]])
def test_what_is_no_archive_fails_as_a_delivery(broken):
    with pytest.raises(DeliveryFailed, match="leaving known layers out"):
        passed_on(broken, "sha256:x")


def test_a_full_disk_here_fails_as_a_delivery(monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", full)
    with pytest.raises(DeliveryFailed, match="No space left"):
        passed_on(tar_of(FILES), "sha256:x")


def test_what_stops_the_archive_comes_through():
    def stopped():
        yield tar_of(FILES)[:2000]
        raise Cancelled

    with pytest.raises(Cancelled):
        list(Remaining(stopped(), known=frozenset({"sha256:x"})))
