"""The runner as a kit carries it: our own package and the wheels of what it needs.

The versions are those installed here, which are the ones that were tested.
"""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from matrix import __version__
from matrix.core.errors import BuildFailed
from matrix.core.text import decode, neutralise

#: CPython versions a kit runs on.
PYTHONS = ("3.11", "3.12", "3.13")
OURS = "compat-matrix"
#: Needed to reach other machines and for files that a kit never writes.
LEFT_OUT = ("paramiko", "junitparser")
#: Needed all the same: cryptography opens keys that have a passphrase with it.
ALSO = ("bcrypt",)
#: OCI architecture → what wheels call it.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
#: Oldest first: every wheel for an older glibc runs on a newer one.
GLIBCS = ("manylinux1", "manylinux2010", "manylinux2014", "manylinux_2_17", "manylinux_2_28")
DOWNLOAD_SECONDS = 600
_LEFT_IN_PACKAGE = re.compile(r"(__pycache__|\.pyc$)")
#: Zip cannot say nothing about time.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """One wheel file, and the Python versions it is for."""

    file: Path
    pythons: tuple[str, ...]


def pins() -> tuple[str, ...]:
    """``name==version`` of all that the runner needs besides ours, without what is left out."""
    found = {name: version(name) for name in ALSO}
    _walk(OURS, found)
    return tuple(f"{name}=={found[name]}" for name in sorted(found))


def fetch_wheels(architecture: str, *, cache: Path) -> tuple[Wheel, ...]:
    """The wheels for every Python of PYTHONS, downloaded once to *cache* by pip.

    Raises BuildFailed with what pip said.
    """
    wanted: dict[Path, list[str]] = {}
    for python in PYTHONS:
        for file in _download(pins(), python, architecture, cache / f"{architecture}-{python}"):
            wanted.setdefault(file, []).append(python)
    by_name: dict[str, Wheel] = {}
    for file, pythons in wanted.items():
        known = by_name.get(file.name)
        versions = (*(known.pythons if known else ()), *pythons)
        by_name[file.name] = Wheel(file=file, pythons=versions)
    return tuple(by_name.values())


def write_own_package(out: Path) -> None:
    """Our package as it is installed here, as a zip that can be put on Python's path.

    It knows its version by a dist-info as a wheel has it (packaging.python.org, core metadata).
    """
    about = f"Metadata-Version: 2.1\nName: {OURS}\nVersion: {__version__}\n"
    parts = {name: entry.read_bytes() for name, entry in _package(files("matrix"), "matrix")}
    parts[f"compat_matrix-{__version__}.dist-info/METADATA"] = about.encode("ascii")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), parts[name], zipfile.ZIP_DEFLATED)


def _walk(name: str, found: dict[str, str]) -> None:
    try:
        needed = requires(name) or []
    except PackageNotFoundError:
        return
    for line in needed:
        requirement = Requirement(line)
        below = canonicalize_name(requirement.name)
        marked = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if marked and below not in found and below not in LEFT_OUT:
            try:
                found[below] = version(below)
            except PackageNotFoundError:
                continue
            _walk(below, found)


def _download(
    wanted: Sequence[str], python: str, architecture: str, folder: Path
) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / "wanted.txt"
    if not listed.exists() or listed.read_text() != "\n".join(wanted):
        for old in folder.glob("*.whl"):
            old.unlink()
        _pip_download(wanted, python, architecture, folder)
        listed.write_text("\n".join(wanted))
    return tuple(sorted(folder.glob("*.whl")))


def _pip_download(wanted: Sequence[str], python: str, architecture: str, folder: Path) -> None:
    machine = MACHINES[architecture]
    platforms = [word for glibc in GLIBCS for word in ("--platform", f"{glibc}_{machine}")]
    argv = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--quiet"]
    argv += ["--no-deps", "--only-binary", ":all:", "--implementation", "cp", *platforms]
    argv += ["--python-version", python, "--dest", str(folder), *wanted]
    try:
        done = subprocess.run(  # noqa: S603 - a list of fixed words and pins
            argv, capture_output=True, check=False, timeout=DOWNLOAD_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise BuildFailed(
            f"wheels for Python {python}: not there in {error.timeout:g} s"
        ) from error
    if done.returncode != 0:
        said = neutralise(decode(done.stderr[-3000:]))
        raise BuildFailed(f"wheels for Python {python} cannot be had:\n{said}")


def _package(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if _LEFT_IN_PACKAGE.search(name):
            continue
        if entry.is_dir():
            yield from _package(entry, name)
        else:
            yield name, entry
