"""Kits made to hurt, with a right digest: refused in words, nothing written, little used.

Each is opened in a process of its own, which may take little memory and time and is to write below
its own folder only.
"""

import io
import os
import random
import resource
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders.handmade_kits import FILES, a_manifest, write_by_hand
from builders.kits import mutated, repacked, sealed, tiny_kit

from matrix.bundle.kit import IMAGES, MANIFEST, Kit
from matrix.bundle.shelf import Shelf
from matrix.bundle.window import Window
from matrix.core.errors import MatrixError, Refused
from matrix.preflight import FoundEngine, unpack_project

CORPUS = 100
MEMORY_BYTES = 256 * 1024 * 1024
#: Three times what is promised, of a processor: a machine may be shared.
SECONDS = 15
#: What waits for something that never comes is ended.
NEVER_SECONDS = 300
ACCEPTED, IN_WORDS, DEFECT = 0, 6, 70
ENGINE = FoundEngine(name="docker", socket=Path("/nonexistent.sock"))


@dataclass(frozen=True)
class Opened:
    """What came of opening one kit."""

    code: int
    said: str
    #: Of a processor.
    seconds: float


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    file = tmp_path_factory.mktemp("kit") / "tiny.matrix"
    tiny_kit(file)
    return file.read_bytes()


@pytest.fixture
def open_it(tmp_path) -> Iterator[Callable[[bytes], Opened]]:
    """Opens a kit and takes all out of it, in a child; checks that nothing is written elsewhere."""
    (tmp_path / "around" / "own").mkdir(parents=True)
    file = tmp_path / "given.matrix"

    def opened(kit: bytes) -> Opened:
        file.write_bytes(kit)
        done = _in_a_child(lambda: _take_all(file, tmp_path / "around" / "own"), tmp_path / "said")
        assert [one.name for one in (tmp_path / "around").iterdir()] == ["own"]
        assert sorted(one.name for one in tmp_path.iterdir()) == ["around", "given.matrix", "said"]
        assert done.seconds < SECONDS
        return done

    yield opened
    links = [one for one in (tmp_path / "around").rglob("*") if one.is_symlink()]
    assert links == []


def _take_all(file: Path, folder: Path) -> None:
    with closing(Kit(file)) as kit:
        unpack_project(kit, folder, ENGINE)
        with kit.images() as archive:
            images = Shelf(archive)
            for image in kit.manifest.images.values():
                images.inspect_image(image)
                for _ in images.save_image(image, seconds=1):
                    pass


def _in_a_child(work: Callable[[], None], said: Path) -> Opened:
    child = os.fork()
    if child == 0:
        os._exit(_carried_out(work, said))
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Opened(code=code, said=said.read_text(), seconds=used.ru_utime + used.ru_stime)


def _carried_out(work: Callable[[], None], said: Path) -> int:
    """The exit code; what was said is in the file."""
    said.write_text("")
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    signal.alarm(NEVER_SECONDS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
    try:
        work()
    except MatrixError as error:
        said.write_text(str(error))
        return IN_WORDS
    except BaseException:
        said.write_text(traceback.format_exc())
        return DEFECT
    return ACCEPTED


def test_the_kit_itself_is_accepted(whole, open_it):
    done = open_it(whole)
    assert (done.code, done.said) == (ACCEPTED, "")


@pytest.mark.parametrize("seed", range(10))
def test_no_mutated_kit_is_a_defect(whole, open_it, seed):
    chance = random.Random(seed)
    for number in range(CORPUS // 10):
        done = open_it(mutated(whole, chance))
        assert done.code in (ACCEPTED, IN_WORDS), (seed, number, done)


@pytest.mark.parametrize(
    "name",
    [
        "project/../../outside",
        "/etc/outside",
        "project//outside",
        "project/./outside",
        "..\\outside",
        "C:/outside",
        "project/a\x01b",
        "project/\u202ematrix.toml",
        "PROJECT/matrix.toml",
        "project/matrix.toml",
        "",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(whole, open_it, name):
    def add(archive: zipfile.ZipFile) -> None:
        archive.writestr(zipfile.ZipInfo(name), b"x")

    twice = name == "project/matrix.toml"
    with pytest.warns(UserWarning, match="Duplicate name") if twice else nullcontext():
        kit = repacked(whole, add)
    assert open_it(kit).code == IN_WORDS


def test_a_link_is_refused(whole, open_it):
    def add(archive: zipfile.ZipFile) -> None:
        entry = zipfile.ZipInfo("project/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, b"/etc/passwd")

    done = open_it(repacked(whole, add))
    assert (done.code, "something else than a file" in done.said) == (IN_WORDS, True)


def test_a_bomb_is_refused_before_it_is_inflated(whole, open_it):
    def add(archive: zipfile.ZipFile) -> None:
        archive.writestr("project/bomb", bytes(64 << 20), zipfile.ZIP_DEFLATED)

    done = open_it(repacked(whole, add))
    assert (done.code, "compressed" in done.said) == (IN_WORDS, True)


def test_a_million_members_are_refused_without_reading_them(whole, open_it):
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *[0] * 9, 8, *[0] * 6)
    count, at = 1_000_000, 4
    directory = b"".join(entry + b"%08x" % number for number in range(count))
    long_end = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), at
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at + len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 64)
    kit = sealed(b"PK\x03\x04" + directory + long_end + locator + end + b"0" * 64)
    done = open_it(kit)
    assert (done.code, done.said) == (IN_WORDS, "the kit holds too many files")


@pytest.mark.parametrize("name", [MANIFEST, IMAGES])
def test_members_over_each_other_are_refused(whole, open_it, name):
    """The second member's place is made the first one's."""
    data = bytearray(whole)
    directory = zipfile.ZipFile(io.BytesIO(whole)).start_dir
    at = data.index(name.encode(), directory) - 46
    other = data.index(b"__main__.py", directory) - 46
    data[at + 42 : at + 46] = data[other + 42 : other + 46]
    assert open_it(sealed(bytes(data))).code == IN_WORDS


@pytest.mark.parametrize("declared", [0xFFFFFFF0, 1 << 30, 1])
def test_a_size_that_is_not_the_real_one_is_refused(whole, open_it, declared):
    data = bytearray(whole)
    directory = zipfile.ZipFile(io.BytesIO(whole)).start_dir
    at = data.index(b"__main__.py", directory) - 46
    data[at + 20 : at + 28] = struct.pack("<2L", declared, declared)
    done = open_it(sealed(bytes(data)))
    # A shorter one hides nothing that is used: it ends where it says.
    assert done.code == (ACCEPTED if declared == 1 else IN_WORDS), done


def _images(members: dict[str, bytes] | list[tarfile.TarInfo]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in members:
            if isinstance(name, tarfile.TarInfo):
                archive.addfile(name)
            else:
                entry = tarfile.TarInfo(name)
                entry.size = len(members[name])  # type: ignore[call-overload]
                archive.addfile(entry, io.BytesIO(members[name]))  # type: ignore[call-overload]
    return out.getvalue()


def _link(kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo("manifest.json")
    entry.type, entry.linkname = kind, "/etc/passwd"
    return entry


def _long_header() -> bytes:
    """A header that says that a name of a gigabyte follows."""
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    return entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    "archive",
    [
        b"",
        b"no archive at all" * 100,
        _images({"manifest.json": b"[" * 100_000}),
        _images({"manifest.json": b"{}"}),
        _images({"manifest.json": b'[{"Config": 5, "Layers": []}]'}),
        _images({"manifest.json": b'[{"Config": "manifest.json", "Layers": []}]'}),
        _images([_link(tarfile.SYMTYPE)]),
        _images([_link(tarfile.LNKTYPE)]),
        _images([_link(tarfile.CHRTYPE)]),
        _images([tarfile.TarInfo("a"), tarfile.TarInfo("a")]),
        _images([tarfile.TarInfo(f"{number}") for number in range(11_000)]),
        _long_header(),
    ],
    ids=[
        "empty",
        "noise",
        "deep",
        "no list",
        "no name",
        "not its digest",
        "symbolic link",
        "hard link",
        "device",
        "twice",
        "too many",
        "long header",
    ],
)
def test_images_that_are_not_ours_are_refused(archive):
    with pytest.raises(Refused):
        Shelf(io.BytesIO(archive))


def test_a_kit_without_images_is_refused(tmp_path):
    files = {name: data for name, data in FILES.items() if name != IMAGES}
    with pytest.raises(Refused, match="the kit holds no images"):
        Kit(write_by_hand(tmp_path / "bare.matrix", a_manifest(files), files))


@pytest.mark.parametrize("size", [1 << 62, (1 << 63) - 1024])
def test_a_member_that_ends_where_no_file_does_is_refused(tmp_path, size):
    entry = tarfile.TarInfo("manifest.json")
    entry.size = size
    archive = entry.tobuf(tarfile.GNU_FORMAT)
    file = tmp_path / "far.tar"
    file.write_bytes(bytes(4096) + archive)
    with file.open("rb", buffering=0) as opened, pytest.raises(Refused):
        Shelf(io.BufferedReader(Window(opened, 4096, len(archive))))


def test_one_flipped_byte_is_noticed_by_the_reader_too(whole, tmp_path):
    file = tmp_path / "flipped.matrix"
    chance = random.Random(8)
    for _ in range(30):
        at = chance.randrange(len(whole))
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(Refused, match="damaged or was changed"):
            Kit(file)


def test_wheels_that_lead_elsewhere_or_are_bombs_stop_the_start(tmp_path):
    """The part of a kit that unpacks the runner, which is only the standard library's."""
    program = Path("matrix/bundle/scripts/main.py").resolve()
    names = f"wheels/{sys.version_info[0]}.{sys.version_info[1]}"
    for name, size in (("../outside", 1), ("/outside", 1), ("a\\b", 1), ("bomb", 2 << 30)):
        packed = tmp_path / "wheel.whl"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(name, b"x")
        data = packed.read_bytes()
        if size > 1:
            data = _says(data, size)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as kit:
            kit.writestr(names, "wheel.whl")
            kit.writestr("wheels/wheel.whl", data)
        (tmp_path / "own").mkdir(exist_ok=True)
        code = (
            "import runpy, sys; m = runpy.run_path(sys.argv[1]);"
            "sys.exit(m['start'](sys.argv[2], '', sys.argv[3], []))"
        )
        done = subprocess.run(
            [sys.executable, "-I", "-c", code, program, packed, tmp_path / "own"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr.count("\n")) == (IN_WORDS, 1), (name, done.stderr)
        assert "does not hold what the runner needs" in done.stderr
        assert list((tmp_path / "own").iterdir()) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["own", "wheel.whl"]


def _says(data: bytes, size: int) -> bytes:
    """The archive with another size of its one member."""
    at = data.index(b"PK\x01\x02")
    return data[: at + 24] + struct.pack("<L", size) + data[at + 28 :]
