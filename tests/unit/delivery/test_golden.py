import hashlib
import io
import json
import tarfile

import pytest

from matrix.core.errors import WrongArchitecture
from matrix.delivery.golden import busybox_archive, golden_archive

#: A host keeps the image between versions of ours, so an id changes on purpose or not at all.
IDS = {
    "amd64": "sha256:b8b084465679d6d7cc59f0ea48da4000d9a39491e3a96df6bcf4be3b95808b3a",
    "arm64": "sha256:3e1df8f5b631ff7e0b0668bf496203d5ee4cde3dbadad5c4cb5f8f89f767881e",
}
#: As in matrix/data/golden/NOTICE.
PROGRAMS = {
    "amd64": "7ae95c260622412ceba6eb9f45d68f616cdc091a1d71d6c0a08b5875bb2c31dd",
    "arm64": "7d93682be37cf6ed46699f6fff546b80bf133cf8ec342c2d04bc23387f78bc34",
}


def members(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {one.name: (tar.extractfile(one) or io.BytesIO()).read() for one in tar}


@pytest.mark.parametrize("architecture", IDS)
def test_the_golden_image_is_the_same_everywhere(architecture):
    golden_archive.cache_clear()
    first = golden_archive(architecture)
    golden_archive.cache_clear()
    assert golden_archive(architecture) == first
    assert first[0] == IDS[architecture]


@pytest.mark.parametrize("architecture", IDS)
def test_its_archive_says_what_it_is_and_has_no_tag(architecture):
    image_id, archive = golden_archive(architecture)
    content = members(archive)
    (entry,) = json.loads(content["manifest.json"])
    assert entry["RepoTags"] is None
    config = content[entry["Config"]]
    assert f"sha256:{hashlib.sha256(config).hexdigest()}" == image_id
    assert json.loads(config)["architecture"] == architecture
    layer = content[entry["Layers"][0]]
    assert json.loads(config)["rootfs"]["diff_ids"] == [
        f"sha256:{hashlib.sha256(layer).hexdigest()}"
    ]


@pytest.mark.parametrize("architecture", PROGRAMS)
def test_the_program_in_it_is_the_one_the_notice_names(architecture):
    content = members(golden_archive(architecture)[1])
    layer = next(data for name, data in content.items() if name.endswith("/layer.tar"))
    program = members(layer)["bin/busybox"]
    assert hashlib.sha256(program).hexdigest() == PROGRAMS[architecture]


def test_other_labels_make_another_image():
    one, other = (busybox_archive("amd64", labels={"test": name})[0] for name in "ab")
    assert one != other


def test_a_machine_without_a_golden_image_is_named():
    with pytest.raises(WrongArchitecture, match='no golden image for "s390x"'):
        golden_archive("s390x")
