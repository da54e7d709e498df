"""Kits and what came back from them, as rows and back. Runs inside the caller's transaction."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, insert, select, union

from matrix.core.kits import Import, IssuedKit, imported_before
from matrix.core.result import Reporter, Run
from matrix.store.schema import IMPORTS, KITS, RUNS
from matrix.store.write import reporter_row, to_json, write_run


def write_kit(connection: Connection, kit: IssuedKit) -> None:
    """Remember it, unless it is known."""
    if read_kit(connection, kit.nonce) is None:
        row = {
            "nonce": kit.nonce,
            "customer": kit.customer,
            "built_at": kit.built_at,
            "expires_at": kit.expires_at,
            "digest": kit.digest,
            "policy": kit.policy,
            "images": to_json(dict(kit.images)),
            "probes": to_json(dict(kit.probes)),
        }
        connection.execute(insert(KITS), row)


def read_kit(connection: Connection, nonce: str) -> IssuedKit | None:
    """The kit with this nonce, if there is one."""
    row = connection.execute(select(KITS).where(KITS.c.nonce == nonce)).one_or_none()
    if row is None:
        return None
    return IssuedKit(
        nonce=row.nonce,
        customer=row.customer,
        built_at=row.built_at,
        expires_at=row.expires_at,
        digest=row.digest,
        policy=row.policy,
        images=json.loads(row.images),
        probes=json.loads(row.probes),
    )


def read_import(connection: Connection, nonce: str) -> Import | None:
    """What came back from a kit, if anything has."""
    row = connection.execute(select(IMPORTS).where(IMPORTS.c.nonce == nonce)).one_or_none()
    if row is None:
        return None
    return Import(nonce=row.nonce, sha256=row.sha256, run=row.run, imported_at=row.imported_at)


def write_import(connection: Connection, kit: IssuedKit, imported: Import, run: Run) -> Import:
    """Kit, import and run, unless the same came back before; raises Refused for other bytes."""
    known = read_import(connection, imported.nonce)
    if known is not None:
        return imported_before(known, imported)
    write_kit(connection, kit)
    write_run(connection, run)
    row = {
        "nonce": imported.nonce,
        "sha256": imported.sha256,
        "run": imported.run,
        "imported_at": imported.imported_at,
        **reporter_row(run.reporter),
    }
    connection.execute(insert(IMPORTS), row)
    return imported


def read_reporters(connection: Connection) -> Mapping[str, Reporter]:
    """Run → whose word it is, also of imported runs that are pruned."""
    of_runs = select(RUNS.c.id, RUNS.c.reported_by, RUNS.c.reported_key)
    imported = select(IMPORTS.c.run, IMPORTS.c.reported_by, IMPORTS.c.reported_key)
    found = connection.execute(union(of_runs.where(RUNS.c.reported_by != ""), imported))
    return {run: Reporter(name=name, key=key) for run, name, key in found}
