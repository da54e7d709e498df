"""Forty secrets planted where secrets are, printed in every way that programs print."""

import base64
import contextlib
import html
import json
import os
import random
import string
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

COUNT = 40
_CHARACTERS = string.ascii_letters + string.digits + "/+&<>'\"%=é"

#: How each is written.
ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "base64": lambda secret: base64.b64encode(f"bob:{secret}".encode()).decode(),
    "base64url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "hex": lambda secret: secret.encode().hex(),
    "url": lambda secret: quote(secret, safe=""),
    "json in html": lambda secret: html.escape(json.dumps({"password": secret})),
}

#: Probes that print what is in a file on the machine, and what is in their container.
PROBES = """
import base64, html, json, logging, sys, warnings
from urllib.parse import quote
import pytest

FILE = {file!r}

def encodings(secret):
    return [
        secret,
        base64.b64encode(("bob:" + secret).encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
        secret.encode().hex(),
        quote(secret, safe=""),
        html.escape(json.dumps({{"password": secret}})),
    ]

@pytest.fixture
def canaries(outside):
    return outside.check_output("cat %s", FILE).split("\\n")

def test_commands_and_logs(host, canaries):
    to_all = "echo %s; echo %s >&2; echo %s >/proc/1/fd/1; echo %s >/proc/1/fd/2"
    for secret in canaries:
        for written in encodings(secret):
            assert host.run(to_all, *[written] * 4).rc == 0

def test_environment_and_labels(host, container, canaries):
    print(host.run("env").stdout, container.inspect()["Config"])
    print(json.dumps({{"Labels": {{"io.token": canaries}}}}, indent=1))

def test_urls(host, canaries):
    for secret in canaries:
        host.run("echo %s", "https://bob:" + quote(secret) + "@registry.example/v2?token=" + secret)

def test_print_and_warn(canaries):
    for secret in canaries:
        for written in encodings(secret):
            print(written)
            print(written, file=sys.stderr)
            logging.error("cannot log in: %s", written)
            warnings.warn(written)

@pytest.mark.parametrize("kind", range(6))
def test_an_exception(canaries, kind):
    raise RuntimeError("\\n".join(encodings(secret)[kind] for secret in canaries))

@pytest.mark.parametrize("number", range(4))
def test_a_message(canaries, number):
    assert " ".join(encodings(canaries[number])) == canaries[number + 1]

def test_a_long_text_that_is_cut(host, canaries):
    assert canaries * 30 == []
    host.run("seq 100000")
"""


def canaries(seed: int) -> tuple[str, ...]:
    """Forty secrets, the same for the same *seed*."""
    chance = random.Random(seed)
    return tuple(
        f"canary{number:02}{''.join(chance.choices(_CHARACTERS, k=22))}" for number in range(COUNT)
    )


def found_in(text: str, secrets: Iterable[str]) -> list[tuple[str, str]]:
    """Each secret that is in *text*, with the encoding it is in; a half of it counts too."""
    return [
        (secret, name)
        for secret in secrets
        for name, encode in {**ENCODINGS, "half": _half, "other half": _other_half}.items()
        if encode(secret) in text or _core(encode(secret)) in text
    ]


def _half(secret: str) -> str:
    return secret[: len(secret) // 2 + 2]


def _other_half(secret: str) -> str:
    return secret[len(secret) // 2 - 2 :]


def _core(written: str) -> str:
    """Without what stands around it in some encodings."""
    return written[len(written) // 3 : -4] if len(written) > 24 else written


@contextmanager
def watched_processes(secrets: Iterable[str], *, runner: str = "") -> Iterator[list[str]]:
    """Where, while this lasts, a secret is in the arguments of any process, or in the environment
    of one that the runner has started: the processes with *runner* among their arguments, or this
    one."""
    seen: list[str] = []
    met: set[int] = set()
    over = threading.Event()
    known = tuple(secrets)

    def watch() -> None:
        while not over.wait(0.1):
            running = _running(runner.encode()) if runner else {os.getpid()}
            met.update(running)
            ours = _children_of(running)
            for process in Path("/proc").glob("[0-9]*"):
                files = ("cmdline", "environ") if int(process.name) in ours else ("cmdline",)
                seen.extend(_told_by(process, files, known))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()
    assert met, f"no process with {runner} among its arguments was met"


def _running(word: bytes) -> set[int]:
    """Processes with that word among their arguments."""
    found = set()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word in file.read_bytes().split(b"\0"):
                found.add(int(file.parent.name))
    return found


def _children_of(parents_of_all: set[int]) -> set[int]:
    """Every process that some have started, and those that these have started."""
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name before them may hold anything, and ends with the last parenthesis.
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
            parents[int(file.parent.name)] = int(fields[1])
    found, size = set(parents_of_all), 0
    while len(found) != size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found - parents_of_all


def _told_by(process: Path, files: Iterable[str], secrets: Iterable[str]) -> Iterator[str]:
    for file in files:
        try:
            text = (process / file).read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if "canary" in text and found_in(text, secrets):
            yield f"{process.name}: {file}: {_name(process)}"


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "gone"
