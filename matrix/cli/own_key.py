"""What a customer signs with, and what they sign: the result to send back."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from matrix.bundle import sshsig
from matrix.bundle.keys import SigningKey
from matrix.bundle.kit import Kit
from matrix.bundle.record import record_of
from matrix.cli.output import talk
from matrix.cli.signing import private_key
from matrix.core.errors import Refused, UsageError
from matrix.core.grid import Report
from matrix.returning import make_result

#: Where OpenSSH keeps an account's keys (ssh(1), FILES), of the kinds that sign here.
FOLDER, NAMES = ".ssh", ("id_ed25519", "id_ecdsa", "id_rsa")
#: What a customer without a key has to do.
NO_KEY = (
    "to get one, make a key and run this again with it:",
    "  ssh-keygen -t ed25519 -f result_key",
    "  sh {kit} preflight --key result_key",
    "and tell whoever sent you this file what `ssh-keygen -lf result_key.pub` says",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningDesk:
    """Where the result is written and signed, if it can be."""

    #: The kit's own file.
    kit: Path
    customer: str
    #: None where there is none that can be used.
    key: SigningKey | None
    #: Folder for the results.
    out: Path

    def announce(self) -> None:
        """Say with which key the result will be signed, or that there will be none."""
        if self.key is None:
            talk("no key to sign with: there will be a report for you, but no result to send back")
        else:
            talk(f"the result will be signed with {sshsig.fingerprint(self.key.public)}")

    def leave_result(self, report: Report) -> None:
        """Write the result beside the report, or say how to get one.

        *report* is as it may leave the machine, and says what was taken out of it.
        """
        if self.key is None:
            talk("result: none, since there is no key to sign it with")
            for line in NO_KEY:
                talk(line.format(kit=self.kit.name))
            return
        with closing(Kit(self.kit)) as kit:
            record = record_of(kit)
        data = make_result(report, record, self.key)
        target = self.out / f"{self.customer}-result.matrix"
        half = target.with_name(f".{target.name}.new")
        half.write_bytes(data)
        half.replace(target)
        talk(f"result: {target}, signed with {sshsig.fingerprint(self.key.public)}: send it back")


def key_to_sign_with(named: Path | None) -> SigningKey | None:
    """The key in *named*, else the account's own; None where there is none that can be used.

    A passphrase is asked for on a terminal. Raises UsageError for a named key that cannot be used.
    """
    if named is not None:
        return _usable(named)
    for file in (Path.home() / FOLDER / name for name in NAMES):
        if file.is_file():
            try:
                return _usable(file)
            except UsageError as error:
                talk(f"not signed with {file}: {error}")
    return None


def _usable(file: Path) -> SigningKey:
    key = private_key(file)
    try:
        sshsig.public_key(key.public)
    except Refused as error:
        raise UsageError(f"{file}: {error}") from error
    return key
