import base64
import io
import itertools
import json
import tarfile

import pytest

from matrix.core.errors import EngineError, EngineLost, FileUnavailable, OutputTruncated
from matrix.engines.observation import first_file, reader, refuse_link

CAP = 1000


def archive(*members, form=tarfile.PAX_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name, kind=tarfile.REGTYPE, **fields):
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def read(data, *, room=64 * 1024):
    pieces = (data[start : start + 700] for start in range(0, len(data), 700))
    return first_file(reader(pieces, CAP + room), "/x", CAP)


def test_the_content_of_the_first_file_is_read():
    data = archive((member("x"), b"hello"), (member("../../etc/passwd"), b"evil"))
    assert read(data) == b"hello"


def test_an_empty_file_is_a_file():
    assert read(archive((member("x"), b""))) == b""


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (member("x", tarfile.SYMTYPE, linkname="/etc/shadow"), "is a link to /etc/shadow"),
        (member("x", tarfile.LNKTYPE, linkname="y"), "is a link to y"),
        (member("x", tarfile.DIRTYPE), "is a directory"),
        (member("x", tarfile.CHRTYPE), "is a device, pipe or socket"),
        (member("x", tarfile.FIFOTYPE), "is a device, pipe or socket"),
    ],
    ids=["symbolic link", "hard link", "directory", "device", "pipe"],
)
def test_what_is_no_regular_file_is_refused_by_its_nature(one, words):
    with pytest.raises(FileUnavailable, match=words):
        read(archive((one, b"")))


def test_a_file_above_the_cap_is_not_read():
    with pytest.raises(OutputTruncated, match="has 1001 bytes, the cap is 1000"):
        read(archive((member("x"), b"x" * 1001)))


def test_an_archive_that_ends_inside_the_file_is_a_lost_engine():
    with pytest.raises(EngineLost):
        read(archive((member("x"), b"y" * 900))[:1000])


def test_an_archive_that_is_none_is_a_lost_engine():
    with pytest.raises(EngineLost):
        read(b"<html>" * 200)


def test_headers_without_end_are_not_kept_in_memory():
    huge = archive((member("x", pax_headers={"comment": "c" * 300_000}), b""))
    with pytest.raises(OutputTruncated, match="longer than the file"):
        read(huge)


def test_a_stream_without_end_is_cut():
    endless = itertools.repeat(b"\0" * 4096)
    with pytest.raises((OutputTruncated, FileUnavailable)):
        first_file(reader(endless, 64 * 1024), "/x", CAP)


def stat(**fields):
    return base64.b64encode(json.dumps(fields).encode()).decode()


def test_a_link_is_refused_before_the_archive_is_read():
    with pytest.raises(FileUnavailable, match="/bin/sh is a link to /bin/busybox"):
        refuse_link(stat(mode=0o777 | 1 << 27, linkTarget="/bin/busybox"), "/bin/sh")


@pytest.mark.parametrize("header", ["", stat(mode=0o755), stat(linkTarget="/bin/x"), stat()])
def test_what_is_not_said_to_be_a_link_is_read(header):
    refuse_link(header, "/x")


@pytest.mark.parametrize("header", ["%%%", base64.b64encode(b"no json").decode()])
def test_a_description_that_makes_no_sense_is_an_error(header):
    with pytest.raises(EngineError):
        refuse_link(header, "/x")
