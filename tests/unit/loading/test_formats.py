"""What each kind of text may be: what goes into names, arguments and mounts is refused early."""

import re
import time
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from matrix.loading.fields import Text
from matrix.loading.formats import FORMATS, Surroundings

HERE = Surroundings(folder=Path("/project"), names={"image": ("queue", "web")})
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP" + "A" * 42
FINGERPRINT = "SHA256:" + "a" * 43


def accepts(name, text):
    try:
        TypeAdapter(Annotated[str, Text(name)]).validate_python(text, context=HERE)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("name", "qa-1"),
        ("name", "9"),
        ("image-name", "queue"),
        ("service-name", "anything-when-the-catalogue-is-unreadable"[:31]),
        ("line", "Größe – ok"),
        ("container-path", "/var/lib/x.y"),
        ("container-path", "/..data"),
        ("mount-options", "size=16m,mode=1777,noexec"),
        ("mount-options", ""),
        ("container-user", "999:999"),
        ("container-user", ""),
        ("address", "10.213.77.11"),
        ("address", "host_1.example.org"),
        ("address", "fe80::1"),
        ("user", "anna@corp"),
        ("host-key", ED25519),
        ("host-key", ED25519 + " root@host"),
        ("fingerprint", FINGERPRINT),
        ("socket", "/run/user/1000/podman/podman.sock"),
        ("digest", "registry:5000/a/b@sha256:" + "0" * 64),
        ("reference", "debian:bookworm-slim"),
        ("capability", "NET_RAW"),
        ("cells", "queue@*"),
        ("cells", "*"),
        ("fact", "engine.api"),
        ("variable", "PGDATA"),
        ("file", "~/key"),
        ("suite", "bookworm"),
    ],
)
def test_what_is_right_is_accepted(name, text):
    assert accepts(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("name", ""),
        ("name", "-qa"),
        ("name", "Qa"),
        ("name", "q_a"),
        ("name", "a" * 32),
        ("name", "qa\n"),
        ("image-name", "quue"),
        ("line", "a\nb"),
        ("line", "\x1b[31m"),
        ("line", "a\u202eb"),
        ("line", "a" * 301),
        ("container-path", "/etc:/etc"),
        ("container-path", "/a/../b"),
        ("container-path", "/.."),
        ("container-path", "/"),
        ("container-path", "relative"),
        ("container-path", "/a b"),
        ("container-path", "/../etc"),
        ("mount-options", "size=1m;rm"),
        ("mount-options", "size=1m,"),
        ("container-user", "-u0"),
        ("container-user", "a b"),
        ("address", "-oProxyCommand=id"),
        ("address", "$(id)"),
        ("address", "a;b"),
        ("address", "user@host"),
        ("address", "host:22"),
        ("address", "a b"),
        ("address", "`id`"),
        ("address", "host\n"),
        ("address", ""),
        ("user", "-l"),
        ("user", "a;b"),
        ("user", "a$b"),
        ("host-key", "ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAABgQC7"),
        ("host-key", "ssh-dss AAAAB3NzaC1kc3MAAACBAAAAAAAAAAAAAA"),
        ("host-key", "-----BEGIN OPENSSH PRIVATE KEY-----"),
        ("host-key", ED25519 + "\nssh-rsa x"),
        ("fingerprint", "MD5:aa"),
        ("fingerprint", "SHA256:short"),
        ("socket", "unix:///run/x"),
        ("socket", "/run/$(id)"),
        ("digest", "debian:bookworm"),
        ("digest", "-x@sha256:" + "0" * 64),
        ("reference", "--all"),
        ("capability", "CAP_NET_RAW"),
        ("capability", "ALL"),
        ("cells", "queue"),
        ("cells", "a@b@c"),
        ("fact", "Engine.Api"),
        ("variable", "MATRIX_NONCE"),
        ("variable", "1A"),
        ("variable", "A=B"),
        ("argument", "a\0b"),
        ("file", ""),
        ("file", "a\0b"),
        ("file", "~nobody-of-this-name/x"),
        ("suite", "bookworm main"),
        ("package", "-o=x"),
    ],
)
def test_what_could_do_harm_is_refused(name, text):
    assert not accepts(name, text)


def test_a_path_starts_at_the_folder_of_its_file():
    assert FORMATS["file"].read("../.matrix/key", HERE) == Path("/.matrix/key")
    assert FORMATS["file"].read("/abs/key", HERE) == Path("/abs/key")
    assert FORMATS["file"].read("~/key", HERE) == Path.home() / "key"


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].pattern])
def test_no_pattern_can_be_made_to_take_long(name):
    pattern = re.compile(FORMATS[name].pattern, re.ASCII)
    for piece in ("a", "a,", "a=1,", "/a", "/..", "A", "0.", "*", "@*", "AAAA", "ssh-rsa A"):
        for start in ("", "/", "ssh-ed25519 "):
            begun = time.thread_time()
            pattern.fullmatch(start + piece * 20_000 + "\n!")
            assert time.thread_time() - begun < 0.5


@settings(deadline=None)
@given(st.text())
def test_no_accepted_text_begins_like_an_option_or_holds_what_a_shell_acts_on(text):
    for name in ("name", "address", "user", "container-user", "socket", "reference", "digest"):
        if accepts(name, text):
            assert not text.startswith("-")
            assert not set(text) & set(" \t\n\r;&|<>$`\\\"'(){}*?!#~")
