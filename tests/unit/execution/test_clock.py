"""What a container is started with for its clock to be wrong."""

import base64
import gzip

from matrix.core.model import RunSettings
from matrix.core.ports import ContainerSpec
from matrix.execution.clock import CARRIED, LIBRARY, MOUNT, UNPACK, with_wrong_clock

SPEC = ContainerSpec(
    name="mx-1-web-here-1",
    image_id="sha256:1",
    network="mx-1-web-here-1-net",
    aliases=("web",),
    labels={},
    settings=RunSettings(tmpfs={"/tmp": "mode=1777"}),
    extra_environment={"MATRIX_NONCE": "n0nce"},
)


def test_the_library_comes_as_text_and_is_whole_when_unpacked():
    found = with_wrong_clock(SPEC, "+3d", b"\x7fELF and more").extra_environment
    assert gzip.decompress(base64.b64decode(found[CARRIED])) == b"\x7fELF and more"
    assert found["FAKETIME"] == "+3d"
    assert found["MATRIX_NONCE"] == "n0nce"


def test_it_is_loaded_from_where_it_is_unpacked_to():
    found = with_wrong_clock(SPEC, "+3d", b"ELF")
    assert found.extra_environment["LD_PRELOAD"] == LIBRARY
    assert f"> {LIBRARY};" in UNPACK
    assert LIBRARY.startswith(f"{MOUNT}/")
    assert "exec" in found.settings.tmpfs[MOUNT].split(",")


def test_nothing_else_is_changed():
    found = with_wrong_clock(SPEC, "-1d", b"ELF")
    assert found.settings.tmpfs["/tmp"] == SPEC.settings.tmpfs["/tmp"]
    assert (found.aliases, found.entrypoint, found.weakened) == (("web",), (), frozenset())
