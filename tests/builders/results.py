"""A result as a customer sends it back, and ways to make it wrong."""

import base64
import copy
import gzip
import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from builders.reports import (
    a_command,
    a_finding,
    a_probe,
    a_report,
    a_service,
    an_attempt,
    an_environment,
    digest,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from matrix.bundle import dsse
from matrix.bundle.keyring import Keyring, Revoked
from matrix.bundle.keys import SigningKey, signing_key
from matrix.bundle.signers import Signer
from matrix.core.grid import GridCell, Report
from matrix.core.kits import IssuedKit
from matrix.core.model import CellId, Kind
from matrix.core.redaction import Removed
from matrix.core.result import CellResult
from matrix.core.store_ports import Store
from matrix.core.verdict import Verdict
from matrix.importing import Desk, Returned, import_result
from matrix.returning import make_result

BUILT = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
MEASURED = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
EXPIRES = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
FINGERPRINT = hashlib.sha256(b"facts").hexdigest()

Json = dict  # nested, as json.loads makes it


def a_key() -> SigningKey:
    return signing_key(Ed25519PrivateKey.generate())


def a_kit(customer: str = "acme", *, nonce: str = "a", services=("queue", "api")) -> IssuedKit:
    return IssuedKit(
        nonce=nonce * 64,
        customer=customer,
        built_at=BUILT,
        expires_at=EXPIRES,
        digest=hashlib.sha256(f"kit {customer} {nonce}".encode()).hexdigest(),
        policy=hashlib.sha256(f"policy for {customer}".encode()).hexdigest(),
        images={name: digest(name) for name in services},
        probes={name: digest(f"probes of {name}") for name in services},
    )


def a_customers_report(
    kit: IssuedKit, verdict: Verdict = Verdict.PASSED, *, text: str = "PONG"
) -> Report:
    """What the kit's run came to on the customer's machine: every cell with the same verdict."""
    services = tuple(a_service(name, title=name.capitalize()) for name in kit.images)
    place = an_environment(kit.customer, title="Acme", kind=Kind.CUSTOMER)
    cells = [_cell(kit, name, verdict, text) for name in kit.images]
    finding = a_finding(kit.customer, {"architecture": "x86_64", "engine.version": "28.5"})
    host = replace(finding.hosts[0], host="here", fingerprint=FINGERPRINT)
    report = a_report(services, (place,), cells, findings=(replace(finding, hosts=(host,)),))
    return replace(
        report, started_at=MEASURED, finished_at=MEASURED + timedelta(minutes=2), release=""
    )


def _cell(kit: IssuedKit, service: str, verdict: Verdict, text: str) -> GridCell:
    reason = "assertion" if verdict is Verdict.FAILED else ""
    probe = replace(
        a_probe("It answers", verdict, folder=service, reason=reason),
        commands=(a_command("redis-cli ping", out=text),),
    )
    at = CellId(service=service, environment=kit.customer)
    attempt = an_attempt((probe,), verdict=verdict, host="here", image=service, reason=reason)
    attempt = replace(attempt, started_at=MEASURED + timedelta(seconds=5))
    result = CellResult(
        cell=at,
        verdict=verdict,
        reason=reason,
        attempts=(attempt,),
        image_id=kit.images[service],
        fingerprint=FINGERPRINT,
        probes_digest=kit.probes[service],
        finished_at=MEASURED + timedelta(seconds=50),
    )
    return GridCell(cell=at, verdict=verdict, reason=reason, run="there", result=result)


@dataclass(frozen=True)
class Sent:
    """What a customer sends back, and the key they have for it."""

    kit: IssuedKit = field(default_factory=a_kit)
    key: SigningKey = field(default_factory=a_key)
    verdict: Verdict = Verdict.PASSED

    @cached_property
    def good(self) -> bytes:
        """As it should be, made once."""
        return self.result()

    def result(self, **report: object) -> bytes:
        """As it should be, but for some fields of the report."""
        made = replace(
            a_customers_report(self.kit, self.verdict),
            redacted=(
                Removed(kind="name", where="queue@acme", count=2),
                Removed(kind="name", where="acme", count=1),
                Removed(kind="secret", where="queue@acme", count=1),
            ),
            **report,
        )
        return make_result(made, self.kit, self.key)

    def statement(self) -> Json:
        return json.loads(base64.b64decode(json.loads(self.good)["payload"]))

    def report(self) -> Json:
        content = self.statement()["predicate"]["evidence"]["content"]
        return json.loads(gzip.decompress(base64.b64decode(content)))

    def sealed(self, statement: Json | bytes, *, key: SigningKey | None = None) -> bytes:
        """An envelope of any content, well signed."""
        signer = key or self.key
        payload = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
        return dsse.seal(
            payload,
            dsse.STATEMENT_TYPE,
            signer=lambda message: signer.sign(message, namespace=dsse.NAMESPACE),
        )

    def with_evidence(self, packed: bytes) -> bytes:
        """A result with other compressed bytes in it, digest and signature right."""
        statement = self.statement()
        statement["predicate"]["evidence"] |= {
            "content": base64.b64encode(packed).decode(),
            "digest": {"sha256": hashlib.sha256(packed).hexdigest()},
        }
        return self.sealed(statement)

    def with_report(self, report: Json | bytes) -> bytes:
        """A result with another report in it, all else right."""
        data = report if isinstance(report, bytes) else json.dumps(report).encode()
        return self.with_evidence(gzip.compress(data, mtime=0))

    def with_changed_report(self, change: Callable[[Json], object]) -> bytes:
        report = copy.deepcopy(self.report())
        change(report)
        return self.with_report(report)

    def with_changed_statement(self, change: Callable[[Json], object]) -> bytes:
        statement = self.statement()
        change(statement)
        return self.sealed(statement)

    def ring(self, *revoked: SigningKey, name: str = "acme") -> Keyring:
        """The keys that count at the sender's."""
        return Keyring(
            signers=(Signer(principal=name, key=self.key.public, namespaces=(dsse.NAMESPACE,)),),
            revoked=tuple(Revoked(key=one.public, note="lost") for one in revoked),
        )


def take_in(
    store: Store,
    data: bytes,
    ring: Keyring,
    folder: Path,
    *,
    now: datetime = NOW,
    kit: Path | None = None,
) -> Returned:
    """Import a file with these bytes."""
    path = folder / "acme-result.matrix"
    path.write_bytes(data)
    return import_result(Desk(store=store, ring=ring, kit=kit, now=now), path)


def evidence_of(statement: Mapping) -> bytes:
    """The compressed report in a statement."""
    return base64.b64decode(statement["predicate"]["evidence"]["content"])


def dump(database: Path) -> list[str]:
    """Everything in a store, as SQL."""
    connection = sqlite3.connect(database)
    found = list(connection.iterdump())
    connection.close()
    return found
