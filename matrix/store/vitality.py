"""What is known about probes, as rows and back. Runs inside the caller's transaction."""

import json

from sqlalchemy import Connection, delete, insert, select

from matrix.core.vitality import Proof, Vitality
from matrix.store.blobs import Shelf, fetch_texts
from matrix.store.schema import VITALITY
from matrix.store.write import to_json


def write_vitality(connection: Connection, found: Vitality) -> None:
    """Keep it in place of what was known for the same service, image and probes."""
    connection.execute(
        delete(VITALITY).where(
            VITALITY.c.service == found.service,
            VITALITY.c.image_id == found.image_id,
            VITALITY.c.probes_digest == found.probes_digest,
        )
    )
    shelf = Shelf()
    proofs = to_json([[one.probe, one.title, list(one.red_under), one.why] for one in found.proofs])
    columns = shelf.columns("proofs", proofs)
    shelf.put_away(connection)
    row = {
        "service": found.service,
        "environment": found.environment,
        "image_id": found.image_id,
        "probes_digest": found.probes_digest,
        "measured_at": found.measured_at,
    }
    connection.execute(insert(VITALITY), row | columns)


def read_vitality(
    connection: Connection, service: str, *, image_id: str, probes_digest: str
) -> Vitality | None:
    """What is known for exactly this service, image and probes."""
    chosen = select(VITALITY).where(
        VITALITY.c.service == service,
        VITALITY.c.image_id == image_id,
        VITALITY.c.probes_digest == probes_digest,
    )
    row = connection.execute(chosen).one_or_none()
    if row is None:
        return None
    texts = fetch_texts(connection, [row.proofs_blob])
    proofs = json.loads(texts.of(row.proofs, row.proofs_blob))
    return Vitality(
        service=row.service,
        environment=row.environment,
        image_id=row.image_id,
        probes_digest=row.probes_digest,
        measured_at=row.measured_at,
        proofs=tuple(
            Proof(probe=probe, title=title, red_under=tuple(red), why=why)
            for probe, title, red, why in proofs
        ),
    )
