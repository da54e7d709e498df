"""Waivers into and out of ``policy.toml``; comments, order and everything else in it stay."""

import shutil
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from matrix.core.errors import UsageError
from matrix.core.model import Waiver
from matrix.loading.faults import Faults
from matrix.loading.formats import Surroundings
from matrix.loading.policy import PolicyFile
from matrix.loading.source import Raw, Source, SourceError, read_text, shown_path

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

HEAD = "# What the gate asks, beside [policy] in matrix.toml; `matrix waive` writes waivers here.\n"
KEY = "waivers"


def add_waiver(path: Path, waiver: Waiver) -> None:
    """Write *waiver* down, in place of an earlier one for the same failure.

    The file is made when there is none. Raises ConfigError when the result would have a fault,
    UsageError when the file cannot be read or written; it is as before then.
    """
    row = _row(waiver)
    same = ("service", "environment", "probe", "signature")
    document = _without(_read(path), lambda old: all(old.get(key) == row[key] for key in same))
    _append(document, row)
    _write(path, document)


def remove_waivers(path: Path, waivers: Collection[Waiver]) -> None:
    """Remove those of *waivers* that stand in the file; raises as ``add_waiver`` does."""
    rows = [_row(waiver) for waiver in waivers]
    _write(path, _without(_read(path), lambda old: dict(old) in rows))


def _read(path: Path) -> "TOMLDocument":
    # It costs a twentieth of a second to import, and one verb needs it.
    import tomlkit  # noqa: PLC0415
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    if not path.exists():
        return tomlkit.parse(HEAD)
    try:
        return tomlkit.parse(read_text(path))
    except (SourceError, TOMLKitError) as error:
        raise UsageError(f"{shown_path(path)}: {error}") from error


def _without(document: "TOMLDocument", gone: Callable[[Mapping[str, Raw]], bool]) -> "TOMLDocument":
    waivers: Raw = document.get(KEY, [])
    for at in reversed(range(len(waivers))):
        if gone(waivers[at]):
            del waivers[at]
    if KEY in document and not waivers:
        del document[KEY]
    return document


def _append(document: "TOMLDocument", row: Mapping[str, Raw]) -> None:
    import tomlkit  # noqa: PLC0415
    from tomlkit.items import AoT  # noqa: PLC0415

    if KEY not in document:
        document[KEY] = tomlkit.aot()
    waivers: Raw = document[KEY]
    table: Raw = tomlkit.table() if isinstance(waivers, AoT) else tomlkit.inline_table()
    table.update(row)
    waivers.append(table)


def _write(path: Path, document: "TOMLDocument") -> None:
    """Check, then put it in place in one step."""
    text = document.as_string()
    faults = Faults()
    source = Source(path=path, data=tomllib.loads(text), text=text)
    faults.check(source, PolicyFile, Surroundings(folder=path.parent, names={}))
    faults.stop_if_any()
    half = path.with_name(f".{path.name}.new")
    try:
        half.write_text(text, encoding="utf-8")
        if path.exists():
            shutil.copymode(path, half)
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise UsageError(f"{shown_path(path)}: cannot be written: {error.strerror}") from error


def _row(waiver: Waiver) -> Mapping[str, Raw]:
    return {
        "service": waiver.cell.service,
        "environment": waiver.cell.environment,
        "probe": waiver.probe,
        "signature": waiver.signature,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "until": waiver.until,
    }
