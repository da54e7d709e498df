"""``matrix key``: keys that sign, and whose signatures count."""

import getpass
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from matrix.bundle import dsse, sshsig
from matrix.bundle.keyring import Keyring, allow, load_keyring, read_public_key, revoke
from matrix.bundle.keys import FILE_NAMESPACE, new_key
from matrix.bundle.signers import Signer, Standing
from matrix.cli.output import (
    counted,
    json_option,
    print_json,
    print_table,
    project_options,
    talk,
)
from matrix.core.errors import UsageError
from matrix.core.selection import known
from matrix.site import open_project

#: Where a key is made when nobody says otherwise.
USUAL_FILE = "~/.ssh/matrix_ed25519"
#: What a key may be allowed for → the namespaces of such signatures.
NAMESPACES = {
    "results": (dsse.NAMESPACE,),
    "files": (FILE_NAMESPACE, dsse.NAMESPACE),
}
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One key of the project, as it is printed."""

    #: Whose it is; "" for a key that was revoked and never allowed.
    name: str
    fingerprint: str
    #: ``ssh-ed25519``.
    kind: str
    #: What it may sign; empty for anything.
    namespaces: tuple[str, ...]
    valid_from: datetime | None
    valid_until: datetime | None
    standing: Standing
    #: When and why it was revoked.
    note: str


@click.group("key")
def command() -> None:
    """Make keys that sign, and say whose signatures count.

    The project keeps public keys in keys/allowed_signers and keys/revoked, which ssh-keygen reads.
    """


@command.command("new")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=USUAL_FILE)
@click.option("--comment", default="", help="Stands behind the public key (default: user@machine).")
@json_option
def new(file: Path, comment: str, as_json: bool) -> None:
    """Make an Ed25519 key in FILE (default: ~/.ssh/matrix_ed25519) and FILE.pub.

    Nothing is overwritten. It has no passphrase; `ssh-keygen -p -f FILE` gives it one.
    """
    file = file.expanduser()
    key = new_key(file, comment=comment or f"{getpass.getuser()}@{socket.gethostname()}")
    mark = sshsig.fingerprint(key.public)
    public = f"{file}.pub"
    if as_json:
        print_json({"file": file, "public": public, "key": key.public, "fingerprint": mark})
    else:
        click.echo(mark)
    talk(f"made: {file} stays with you, {public} may be given away")
    talk("tell the fingerprint by another way than the file, such as the telephone")
    talk(f"sign a kit:    matrix bundle build --for NAME --key {file}")
    talk(f"let it count:  matrix key allow NAME {public} --signs files, where it is to be checked")


@command.command("list")
@project_options
@json_option
def show(start: Path, inventories: Sequence[Path], as_json: bool) -> None:
    """List the keys of the project: whose they are, what they may sign, and how they stand now."""
    ring = load_keyring(open_project(start, inventories).root)
    listed = list(_listed(ring, datetime.now(UTC)))
    if as_json:
        print_json([_data(one) for one in listed])
        return
    rows = [
        (
            one.name or "–",
            one.standing.value,
            ", ".join(one.namespaces) or "anything",
            _moment(one.valid_from),
            _moment(one.valid_until),
            one.kind,
            one.fingerprint,
            one.note,
        )
        for one in listed
    ]
    print_table(rows, ("name", "now", "may sign", "from", "until", "kind", "fingerprint", ""))


@command.command("allow")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--signs",
    type=click.Choice(list(NAMESPACES)),
    default="results",
    show_default=True,
    help="results: of the customer's column. files: kits and reports, NAME is any word.",
)
@click.option(
    "--from",
    "first",
    metavar="DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day on which it counts, in UTC.",
)
@click.option(
    "--until",
    "last",
    metavar="DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day on which it counts, in UTC.",
)
@project_options
def allow_key(
    *,
    start: Path,
    inventories: Sequence[Path],
    name: str,
    file: Path,
    signs: str,
    first: datetime | None,
    last: datetime | None,
) -> None:
    """Let what the key in FILE signs count as signed by NAME, an environment of the inventory.

    FILE is a public key, FILE.pub. Ask for its fingerprint by another way than you got the file.
    """
    project = open_project(start, inventories)
    _check_name(name, [one.name for one in project.environments], signs)
    key = read_public_key(file)
    not_before, not_after = _span(first, last)
    path = allow(
        project.root,
        Signer(
            principal=name,
            key=key,
            namespaces=NAMESPACES[signs],
            not_before=not_before,
            not_after=not_after,
        ),
    )
    talk(f"{path}: {sshsig.fingerprint(key)} counts for {name} ({signs})")


@command.command("revoke")
@click.argument("key", metavar="NAME|FINGERPRINT|FILE")
@click.option("--reason", required=True, help="Why; kept beside the key, with today's date.")
@project_options
def revoke_key(*, start: Path, inventories: Sequence[Path], key: str, reason: str) -> None:
    """Let a key count no more, whatever it signed and whenever: all keys of NAME, or one.

    It stays in keys/allowed_signers, so that what it signed can still be told from a stranger's.
    """
    root = open_project(start, inventories).root
    found = _meant(load_keyring(root), key)
    path = revoke(root, found, note=f"{datetime.now(UTC):%Y-%m-%d} {reason}")
    for one in found:
        talk(f"{path}: {sshsig.fingerprint(one)} counts no more")
    talk(f"{counted(len(found), 'key')} revoked; a new one is allowed with: matrix key allow")


def _check_name(name: str, environments: Sequence[str], signs: str) -> None:
    """A result is for a column; whoever signs files has any name that a line of the file can."""
    if signs == "results" and name not in environments:
        raise UsageError(f'no environment is called "{name}"{known(name, environments)}')
    if not name.isprintable() or any(one in ' "#,!*?\\' for one in name) or not name:
        raise UsageError(f"{name!r} is no name: one word, no commas, quotes or patterns")


def _span(first: datetime | None, last: datetime | None) -> tuple[datetime | None, datetime | None]:
    """From the first moment of one day to the last of the other."""
    begin = first.replace(tzinfo=UTC) if first else None
    end = last.replace(tzinfo=UTC) + DAY if last else None
    if end is not None and end <= max(datetime.now(UTC), begin or datetime.now(UTC)):
        raise UsageError(f"{last:%Y-%m-%d} is over, or before it begins: it would never count")
    return begin, end


def _meant(ring: Keyring, word: str) -> Sequence[str]:
    """The public key lines that *word* stands for, without those revoked already."""
    by_mark = {sshsig.fingerprint(one.key): one.key for one in ring.signers}
    named = [one.key for one in ring.signers if word in one.principal.split(",")]
    if word.startswith("SHA256:"):
        if word not in by_mark:
            raise UsageError(f'no allowed key is "{word}"{known(word, list(by_mark))}')
        named = [by_mark[word]]
    elif not named:
        if not Path(word).is_file():
            names = sorted({one.principal for one in ring.signers})
            raise UsageError(f'no allowed key and no file is called "{word}"{known(word, names)}')
        named = [read_public_key(Path(word))]
    left = [one for one in named if sshsig.fingerprint(one) not in ring.revoked_marks()]
    if not left:
        raise UsageError(f"{word}: is revoked already")
    return left


def _listed(ring: Keyring, now: datetime) -> Iterator[Listed]:
    notes = {sshsig.fingerprint(one.key): one.note for one in ring.revoked}
    for one in ring.signers:
        mark = sshsig.fingerprint(one.key)
        yield Listed(
            name=one.principal,
            fingerprint=mark,
            kind=one.key.split()[0],
            namespaces=one.namespaces,
            valid_from=one.not_before,
            valid_until=one.not_after,
            standing=ring.standing(one, now),
            note=notes.pop(mark, "") if mark in notes else "",
        )
    for stranger in ring.revoked:
        if sshsig.fingerprint(stranger.key) in notes:
            yield _unknown(stranger.key, stranger.note)


def _unknown(key: str, note: str) -> Listed:
    return Listed(
        name="",
        fingerprint=sshsig.fingerprint(key),
        kind=key.split(maxsplit=1)[0],
        namespaces=(),
        valid_from=None,
        valid_until=None,
        standing=Standing.REVOKED,
        note=note,
    )


def _data(one: Listed) -> dict[str, object]:
    return {
        "name": one.name,
        "fingerprint": one.fingerprint,
        "kind": one.kind,
        "namespaces": one.namespaces,
        "valid_from": one.valid_from,
        "valid_until": one.valid_until,
        "standing": one.standing,
        "revoked": one.standing is Standing.REVOKED,
        "expired": one.standing is Standing.EXPIRED,
        "note": one.note,
    }


def _moment(when: datetime | None) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if when else ""
