"""A hundred results that are wrong, the same ones every time, and a process that imports them."""

import gzip
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from builders.results import NOW, Json, Sent, a_kit, evidence_of, take_in

from matrix.bundle import dsse
from matrix.bundle.keyring import Keyring
from matrix.bundle.signers import Signer
from matrix.core.errors import Refused
from matrix.store import open_store

SEED = 20261122
MEBIBYTE = 1024 * 1024
#: What stands in for a value of a report or statement.
VALUES = (
    None,
    True,
    -1,
    2**63,
    10**400,
    1e308,
    "",
    "\x00",
    "\x1b]0;x\x07",
    "../../../etc/passwd",
    "A" * 100_000,
    [],
    {},
    [[]] * 50,
    {"a": {"b": {}}},
    "sha256:" + "0" * 64,
    "9999-12-31T23:59:59+00:00",
    "0001-01-01T00:00:00+14:00",
)


def corpus(sent: Sent) -> Iterator[tuple[str, bytes]]:
    """Name and bytes: bombs first, then mutations of file, statement, report and evidence."""
    chance = random.Random(SEED)
    yield from _bombs(sent)
    good = sent.good
    for number in range(30):
        yield f"bytes-{number}", _damaged(good, chance)
    packed = evidence_of(sent.statement())
    for number in range(15):
        yield f"evidence-{number}", sent.with_evidence(_damaged(packed, chance))
    for number in range(20):
        yield (
            f"statement-{number}",
            sent.with_changed_statement(lambda one: _change_somewhere(one, chance)),
        )
    for number in range(25):
        yield (
            f"report-{number}",
            sent.with_changed_report(lambda one: _change_somewhere(one, chance)),
        )


def _bombs(sent: Sent) -> Iterator[tuple[str, bytes]]:
    yield "gzip", sent.with_evidence(gzip.compress(b"[" + b" " * (128 * MEBIBYTE)))
    yield "members", sent.with_report(_inside(sent, b'{"a":1}', 600_000))
    yield "empty members", sent.with_report(_inside(sent, b"{}", 1_200_000))
    yield "texts", sent.with_report(_inside(sent, b'""', 1_200_000))
    yield "bad cells", sent.with_report(_inside(sent, b"{}", 30_000))
    yield "deep report", sent.with_report(b'{"cells":' + b"[" * 2_000_000)
    yield "deep, under the caps", sent.with_report(b'{"cells":' + b"[" * 30_000)
    facts = b"{%s}" % b",".join(b'"f%d":[]' % number for number in range(38_000))
    text = json.dumps(sent.report()).encode().replace(b'"facts": {', b'"facts":%s,"x": {' % facts)
    yield "bad facts", sent.with_report(text)
    logs = b"{%s}" % b",".join(b'"f%d":1' % number for number in range(60_000))
    text = json.dumps(sent.report()).encode().replace(b'"logs": {', b'"logs":%s,"x": {' % logs)
    yield "bad logs", sent.with_report(text)
    text = (
        json.dumps(sent.report()).encode().replace(b'"changes": {', b'"changes":%s,"x": {' % logs)
    )
    yield "bad changes", sent.with_report(text)
    yield "deep statement", sent.sealed(b'{"subject":' + b"[" * 1_000_000)
    yield "members of the statement", sent.sealed(b'{"a":[' + b"0," * 2_000_000 + b"0]}")
    yield "deep envelope", b"[" * 2_000_000
    yield "members of the envelope", b'{"a":[' + b"0," * 4_000_000 + b"0]}"
    yield "one text", b'{"payload":"' + b'\\"' * (10 * MEBIBYTE)
    yield "too large", b" " * (26 * MEBIBYTE)
    yield "empty", b""


def _inside(sent: Sent, member: bytes, count: int) -> bytes:
    """The report with so many cells that are none."""
    return (
        json.dumps(sent.report() | {"cells": "HERE"})
        .encode()
        .replace(b'"HERE"', b"[%s]" % b",".join([member] * count))
    )


def _damaged(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    how = chance.randrange(5)
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + data[at : at + 4096] * 3 + data[at:]
    if how == 2:
        return data[:at] + data[at + chance.randrange(1, 64) :]
    if how == 3:
        return data[:at] + chance.randbytes(16) + data[at:]
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def _change_somewhere(document: Json, chance: random.Random) -> None:
    """Put something else in one place, leave it out, or have it many times."""
    holder, key = chance.choice(list(_places(document)))
    how = chance.randrange(4)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, list):
        holder.extend([holder[key]] * 500)
    else:
        holder[key] = chance.choice(VALUES)


def _places(value: object) -> Iterator[tuple[Json | list, str | int]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inside in entries:
        yield value, key
        if isinstance(inside, dict | list):
            yield from _places(inside)


def import_all(folder: Path) -> None:
    """For a child process: import every file of *folder*, a line of JSON for each on stdout."""
    public = (folder / "key.pub").read_text()
    ring = Keyring(
        signers=(Signer(principal="acme", key=public, namespaces=(dsse.NAMESPACE,)),), revoked=()
    )
    for file in sorted(folder.glob("*.matrix")):
        store = open_store("memory://")
        store.record_kit(a_kit())
        data, place = file.read_bytes(), folder / "work"
        place.mkdir(exist_ok=True)
        # From here on the peak is counted anew (proc(5), clear_refs).
        Path("/proc/self/clear_refs").write_text("5")
        began = time.process_time()
        said = _said(lambda: take_in(store, data, ring, place, now=NOW))  # noqa: B023 - called now
        print(
            json.dumps(
                {
                    "name": file.stem,
                    "said": said,
                    "seconds": time.process_time() - began,
                    "most_bytes": _peak_bytes(),
                    "runs": len(store.heads(9)),
                }
            ),
            flush=True,
        )


def _peak_bytes() -> int:
    """The most memory that this process had at once since that was last forgotten."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024


def _said(do: Callable[[], object]) -> str:
    try:
        do()
    except Refused as error:
        return f"refused: {error}"
    return "imported"


if __name__ == "__main__":
    import_all(Path(sys.argv[1]))
