"""What each kind of text in our files may be: one row of FORMATS for each.

A checked text is safe where it is going to be used: in a container's name, a host's address, an
argument list, a mount. Nothing is quoted or mended, only accepted or refused.
"""

import base64
import binascii
import ipaddress
import os.path
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from matrix.core.selection import known
from matrix.loading.measures import SIZE, SPAN, size_bytes, span_seconds

# fmt: off
#: capabilities(7), Linux 6.
CAPABILITIES = (
    "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE",
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER",
    "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN",
    "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP",
    "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE",
    "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG",
    "WAKE_ALARM",
)
# fmt: on

#: What an SSH server may prove itself with.
HOST_KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
LONGEST_LINE = 300


class Misfit(ValueError):
    """A text that is not of its format; the message says what would be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What a value is checked against besides itself."""

    #: Folder of the file: paths in it start there.
    folder: Path
    #: "image", "base", "service", "environment" → names there are; a kind that could not be read
    #: is absent and then nothing is checked against it.
    names: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One kind of text."""

    #: For people: what is allowed.
    words: str
    #: Regular expression for the whole of it, None where that cannot be said.
    pattern: str | None
    #: Text and surroundings to the value; raises Misfit. Runs only when the pattern fits.
    read: Callable[[str, Surroundings], object]


def _as_it_is(text: str, _: Surroundings) -> str:
    return text


def _plain(words: str, pattern: str) -> Format:
    return Format(words=words, pattern=pattern, read=_as_it_is)


def _named(kind: str) -> Callable[[str, Surroundings], str]:
    def read(text: str, surroundings: Surroundings) -> str:
        names = surroundings.names.get(kind)
        if names is not None and text not in names:
            raise Misfit(f"no {kind} has this name; {known(text, names).strip(' ()')}")
        return text

    return read


def _line(text: str, _: Surroundings) -> str:
    if not text.isprintable() or len(text) > LONGEST_LINE:
        raise Misfit(FORMATS["line"].words)
    return text


def _words(text: str, surroundings: Surroundings) -> str:
    if not text.strip():
        raise Misfit(FORMATS["words"].words)
    return _line(text, surroundings)


def _day(text: str, _: Surroundings) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misfit("a day that there is") from None


def _capability(text: str, _: Surroundings) -> str:
    if text not in CAPABILITIES:
        raise Misfit(
            f"no capability; {known(text.removeprefix('CAP_'), CAPABILITIES).strip(' ()')}"
        )
    return text


def _host_key(text: str, _: Surroundings) -> str:
    kind, encoded = text.split(" ")[:2]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        blob = b""
    # RFC 4253 6.6: the blob begins with the name of its type, as a string with its length.
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        raise Misfit("a public key: its second word does not decode to one of that type")
    return f"{kind} {encoded}"


def _address(text: str, _: Surroundings) -> str:
    if re.fullmatch(HOST_NAME, text, re.ASCII):
        return text
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise Misfit(FORMATS["address"].words) from None


def _file(text: str, surroundings: Surroundings) -> Path:
    if "\0" in text or not text:
        raise Misfit(FORMATS["file"].words)
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise Misfit("a path whose ~user exists here") from error
    # Not resolved: a link the user chose stays the path they know.
    return Path(os.path.normpath(surroundings.folder / path))


def _folder(text: str, surroundings: Surroundings) -> Path:
    path = _file(text, surroundings)
    if not path.is_dir():
        raise Misfit(f"a folder that exists; {path} is none")
    return path


def _build_folder(text: str, surroundings: Surroundings) -> Path:
    path = _folder(text, surroundings)
    if not (path / "Dockerfile").is_file():
        raise Misfit(f"a folder with a Dockerfile; {path} has none")
    return path


HOST_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})"
NAME = r"[a-z0-9][a-z0-9-]{0,30}"
_OPTION = r"[a-z]+(?:=[a-z0-9.%]+)?"
_NAME_WORDS = "a name of lower-case letters, digits and dashes, at most 31, no dash first"

#: Name of a format, as the JSON Schema has it → what is allowed.
FORMATS: Mapping[str, Format] = {
    "name": _plain(_NAME_WORDS, NAME),
    "image-name": Format(words="the name of an image", pattern=NAME, read=_named("image")),
    "base-name": Format(words="the name of a base", pattern=NAME, read=_named("base")),
    "service-name": Format(words="the name of a service", pattern=NAME, read=_named("service")),
    "suite": _plain("the name of a Debian suite", r"[a-z][a-z-]{0,30}"),
    "package": _plain("the name of a Debian package", r"[a-z0-9][a-z0-9.+-]{0,80}"),
    "line": Format(
        words=f"text on one line without control characters, at most {LONGEST_LINE}",
        pattern=None,
        read=_line,
    ),
    "words": Format(
        words=f"text on one line, not empty, at most {LONGEST_LINE} characters",
        pattern=None,
        read=_words,
    ),
    "day": Format(
        words="a day such as 2026-12-31",
        pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
        read=_day,
    ),
    "signature": _plain("the signature of a failure, 16 hexadecimal digits", r"[0-9a-f]{16}"),
    "argument": _plain("text without NUL", r"[^\x00]*"),
    "variable": _plain(
        "the name of an environment variable, none that begins with MATRIX_",
        r"(?!MATRIX_)[A-Za-z_][A-Za-z0-9_]{0,127}",
    ),
    "size": Format(
        words='a size such as "64MiB" or "1GiB"',
        pattern=SIZE.pattern,
        read=lambda text, _: size_bytes(text),
    ),
    "span": Format(
        words='a span of time such as "200ms", "30s", "5m" or "7d"',
        pattern=SPAN.pattern,
        read=lambda text, _: span_seconds(text),
    ),
    "clock-shift": _plain(
        'how far a clock is off, such as "+3d", "-90m" or "+1y"', r"|[+-][0-9]{1,6}[mhdy]"
    ),
    "capability": Format(
        words='a capability without CAP_, such as "NET_BIND_SERVICE"',
        pattern=r"[A-Z_]{3,20}",
        read=_capability,
    ),
    "container-path": _plain(
        "an absolute path inside the container, without : and ..",
        r"/(?!(?:.*/)?\.\.(?:/|$))[A-Za-z0-9._+@-][A-Za-z0-9._+@/-]*",
    ),
    "mount-options": _plain(
        'mount options such as "size=16m,mode=1777"', rf"(?:{_OPTION}(?:,{_OPTION})*)?"
    ),
    "container-user": _plain(
        'a user of the image such as "redis" or "999:999"',
        r"|[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?",
    ),
    "digest": _plain(
        "repository@sha256:… (a tag may move, a digest cannot)",
        r"|[A-Za-z0-9][A-Za-z0-9._:/-]{0,200}@sha256:[0-9a-f]{64}",
    ),
    "reference": _plain(
        "repository, repository:tag or repository@sha256:…",
        r"|[A-Za-z0-9][A-Za-z0-9._:/-]{0,200}(?:@sha256:[0-9a-f]{64})?",
    ),
    "fact": _plain('the name of a fact such as "engine.api"', r"[a-z0-9_]+(?:\.[a-z0-9_]+)*"),
    "cells": _plain(
        'a pattern of cell ids such as "*", "queue@*" or "*@customer-?"',
        r"\*|[a-z0-9*?\[\]!-]{1,80}@[a-z0-9*?\[\]!-]{1,80}",
    ),
    "cell": _plain('the id of a cell such as "queue@qa"', rf"{NAME}@{NAME}"),
    "address": Format(
        words="a host name or IP address, without user, port, dash in front or shell characters",
        pattern=r"[A-Za-z0-9_:][A-Za-z0-9._:-]{0,252}",
        read=_address,
    ),
    "user": _plain("a login name", r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}"),
    "host-key": Format(
        words='a public host key, "ssh-ed25519 AAAA…", as in known_hosts',
        pattern=rf"(?:{'|'.join(HOST_KEY_TYPES)}) [A-Za-z0-9+/]{{20,4000}}={{0,2}}(?: .{{0,200}})?",
        read=_host_key,
    ),
    "fingerprint": _plain(
        'the fingerprint of a key in your agent, "SHA256:…" as ssh-add -l shows it',
        r"SHA256:[A-Za-z0-9+/]{43}",
    ),
    "socket": _plain(
        'the path of a socket such as "/run/docker.sock"', r"|/[A-Za-z0-9._/-]{1,100}"
    ),
    "file": Format(words="a path, from the folder of this file", pattern=None, read=_file),
    "folder": Format(
        words="a folder that exists, from the folder of this file", pattern=None, read=_folder
    ),
    "build-folder": Format(
        words="a folder with a Dockerfile, from the folder of this file",
        pattern=None,
        read=_build_folder,
    ),
}
