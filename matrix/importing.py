"""A result that came back from a kit, checked and taken in as the customer's own word.

In this order, each step trusting nothing that a later one looks at:

| step       | refused                                                                         |
|------------|---------------------------------------------------------------------------------|
| size       | a file larger than a result may be, or of more parts than an envelope has       |
| signature  | none, or none that counts now by a key that the project allows                  |
| kit        | a nonce that we never gave away; a key that may not sign for that customer      |
| replay     | another result from a kit that has had one; the same bytes are known already    |
| statement  | another form; probes, policy, images or a kit that are not those of the record  |
| evidence   | a report that is not the one it is about, damaged, or too large when unpacked   |
| report     | a shape, number or name of none of our runs, or one that contradicts itself     |
| time       | measured before the kit was made, after it was over, or in the future           |

Everything happens in memory, and nothing is written before all of it holds: then in one step.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from matrix.bundle.keyring import ALLOWED, FOLDER, Keyring
from matrix.bundle.kit import Kit
from matrix.bundle.record import record_of
from matrix.bundle.result import (
    ENVELOPE_CAPS,
    Statement,
    open_result,
    probe_set,
    read_statement,
    refuse_other_tests,
    unpack_report,
)
from matrix.bundle.sshsig import fingerprint
from matrix.core.errors import Refused, UsageError
from matrix.core.kits import Import, IssuedKit, imported_before
from matrix.core.model import CellId
from matrix.core.reading import CLAIMS, CLOCKS_DIFFER
from matrix.core.result import CellResult, Reporter, Run, RunState
from matrix.core.store_ports import Store
from matrix.core.verdict import Verdict
from matrix.report.bounds import check_bounds
from matrix.report.replay import Replay, read_document, replay_of
from matrix.report.shapes import Document
from matrix.store import new_run_id

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """What became of a result."""

    run: str
    reporter: Reporter
    #: Whether the identical bytes were imported before, and nothing was done.
    known: bool
    #: What the run says; {} where nothing was done.
    verdicts: Mapping[CellId, Verdict]
    #: Kind → how often something of it was taken out before it was sent.
    removed: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Where results come in."""

    store: Store
    ring: Keyring
    #: A kit that counts as its own record, when the store does not know it; None for none.
    kit: Path | None
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """A result that counts, as far as it can be told without taking it in."""

    kit: IssuedKit
    reporter: Reporter
    arrived: Import
    #: The identical bytes, imported before; None when they were not.
    known: Import | None
    #: The run that it tells of; None where it was imported before.
    run: Run | None
    removed: Mapping[str, int]


def import_result(desk: Desk, path: Path) -> Returned:
    """Take in the result at *path*; raises Refused, and nothing was changed."""
    found = check_result(desk, path)
    if found.run is None:
        return _nothing_new(found.known or found.arrived, found.reporter)
    kept = desk.store.record_import(found.kit, found.arrived, found.run)
    if kept.run != found.arrived.run:
        return _nothing_new(kept, found.reporter)
    return Returned(
        run=found.run.id,
        reporter=found.reporter,
        known=False,
        verdicts={result.cell: result.verdict for result in found.run.results},
        removed=found.removed,
    )


def check_result(desk: Desk, path: Path) -> Checked:
    """Everything that is asked of the result at *path*, changing nothing; raises Refused."""
    data = read_result(path)
    payload, key = open_result(data, trusts=desk.ring.trusts(desk.now))
    statement = read_statement(payload)
    del payload
    kit = _kit(desk, statement.nonce)
    reporter = Reporter(name=kit.customer, key=fingerprint(key))
    if not desk.ring.speaks_for(key, kit.customer, now=desk.now):
        raise Refused(
            f"the key {reporter.key} may not sign for {kit.customer}, whose kit this is from: "
            f"allow it in {FOLDER}/{ALLOWED} if it is theirs"
        )
    arrived = Import(
        nonce=kit.nonce,
        sha256=hashlib.sha256(data).hexdigest(),
        run=new_run_id(desk.now),
        imported_at=desk.now,
    )
    del data
    known = desk.store.load_import(kit.nonce)
    return Checked(
        kit=kit,
        reporter=reporter,
        arrived=arrived,
        known=imported_before(known, arrived) if known else None,
        run=None if known else _run(desk, statement, kit, arrived, reporter),
        removed={one.kind: one.count for one in statement.predicate.redacted},
    )


def read_result(path: Path) -> bytes:
    """The file, no further than a result may be long; raises UsageError and Refused."""
    try:
        with path.open("rb") as file:
            data = file.read(ENVELOPE_CAPS.size_bytes + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > ENVELOPE_CAPS.size_bytes:
        raise Refused(f"{path.name} is larger than a result may be")
    return data


def record_kit(store: Store, path: Path) -> IssuedKit:
    """Remember the kit at *path*, so that its result counts; raises Refused for no kit."""
    record = _read_kit(path)
    store.record_kit(record)
    return record


def _nothing_new(known: Import, reporter: Reporter) -> Returned:
    return Returned(run=known.run, reporter=reporter, known=True, verdicts={}, removed={})


def _kit(desk: Desk, nonce: str) -> IssuedKit:
    """The kit that the result says it is from."""
    known = desk.store.load_kit(nonce)
    if known is not None:
        return known
    if desk.kit is None:
        raise Refused(
            "this is from a kit that this project never made, or that another copy of its store "
            "knows: if you have the kit itself, give it with --kit, and it counts as the record"
        )
    record = _read_kit(desk.kit)
    if record.nonce != nonce:
        raise Refused(f"the result is not from {desk.kit.name} but from another kit")
    return record


def _read_kit(path: Path) -> IssuedKit:
    kit = Kit(path)
    try:
        return record_of(kit)
    finally:
        kit.close()


def _run(
    desk: Desk, statement: Statement, kit: IssuedKit, arrived: Import, reporter: Reporter
) -> Run:
    """The run that the result tells of."""
    _refuse_other_kit(statement, kit)
    document = _document(statement)
    _refuse_other_place(document, kit)
    verdicts = {f"{cell.service}@{cell.environment}": cell.verdict.value for cell in document.cells}
    refuse_other_tests(statement, verdicts)
    replay = _replay(document)
    for result in replay.results:
        _refuse_other_cell(result, kit)
        _refuse_other_time(result, kit, desk.now)
    _refuse_time(replay.started_at, kit, desk.now)
    _refuse_older(replay, desk.store)
    return Run(
        id=arrived.run,
        state=RunState.FINISHED,
        started_at=replay.started_at,
        finished_at=max((_finished(one) for one in replay.results), default=replay.started_at),
        by=f"{reporter.name}, self-reported",
        plan_digest=document.plan_digest if len(document.plan_digest) <= len(kit.digest) else "",
        cells=tuple(result.cell for result in replay.results),
        results=replay.results,
        findings=replay.findings,
        version=document.version,
        reporter=reporter,
    )


def _refuse_other_kit(statement: Statement, kit: IssuedKit) -> None:
    if statement.digest_of("kit") != kit.digest:
        raise Refused("the result is put together from two kits: nonce and description differ")
    if statement.digest_of("probe-set") != probe_set(kit.probes):
        raise Refused("the result was measured with other probes than those of its kit")
    if kit.policy and statement.digest_of("policy") != kit.policy:
        raise Refused("the result was judged by another policy than that of its kit")
    for subject in statement.subject:
        if kit.images.get(subject.name) != f"sha256:{subject.digest.sha256}":
            raise Refused(f"the result is about an image of {subject.name} that its kit has not")


def _document(statement: Statement) -> Document:
    text = unpack_report(statement.predicate.evidence)
    try:
        document = read_document(Path("report"), text.decode("utf-8"))
        check_bounds(document)
    except (UsageError, UnicodeDecodeError) as error:
        raise Refused(f"the report in the result is none of ours: {error}") from error
    return document


def _replay(document: Document) -> Replay:
    try:
        return replay_of(document, Path("report"))
    except UsageError as error:
        raise Refused(f"the report in the result contradicts itself: {error}") from error


def _refuse_other_place(document: Document, kit: IssuedKit) -> None:
    columns = [column.name for column in document.environments]
    cells = {(cell.service, cell.environment) for cell in document.cells}
    ours = {(service, kit.customer) for service in kit.images}
    if columns != [kit.customer] or not cells <= ours:
        raise Refused(f"the report is about more than the services of the kit at {kit.customer}")


def _refuse_other_cell(result: CellResult, kit: IssuedKit) -> None:
    service = result.cell.service
    allowed = ("",) if result.verdict not in CLAIMS else ()
    if result.image_id not in (kit.images[service], *allowed):
        raise Refused(f"{result.cell} was measured with another image than that of the kit")
    if result.probes_digest not in (kit.probes[service], *allowed):
        raise Refused(f"{result.cell} was measured with other probes than those of the kit")


def _refuse_other_time(result: CellResult, kit: IssuedKit, now: datetime) -> None:
    if result.finished_at is None and result.verdict in CLAIMS:
        raise Refused(f"{result.cell}: nobody knows when that was measured")
    for moment in (result.finished_at, *(attempt.started_at for attempt in result.attempts)):
        if moment is not None:
            _refuse_time(moment, kit, now)


def _refuse_time(moment: datetime, kit: IssuedKit, now: datetime) -> None:
    if moment - now > CLOCKS_DIFFER:
        raise Refused(f"measured at {_spoken(moment)}, which is still to come: a clock is wrong")
    if moment >= kit.expires_at:
        raise Refused(
            f"measured at {_spoken(moment)}, when the kit was over since "
            f"{_spoken(kit.expires_at)}: make a new one"
        )
    if kit.built_at - moment > CLOCKS_DIFFER:
        raise Refused(
            f"measured at {_spoken(moment)}, before the kit was made at {_spoken(kit.built_at)}: "
            "a clock is wrong"
        )


def _refuse_older(replay: Replay, store: Store) -> None:
    """What is known already must not give way to something older."""
    newest = store.newest_headlines()
    for result in replay.results:
        run, known = newest.get(result.cell, ("", None))
        if known is not None and _finished(known) > _finished(result):
            raise Refused(
                f"{result.cell} was measured again since, in run {run}: the result is too old"
            )


def _finished(result: CellResult) -> datetime:
    return result.finished_at or _LONG_AGO


def _spoken(moment: datetime) -> str:
    """In UTC; one that the calendar ends before stays as it is."""
    try:
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except OverflowError:
        return str(moment)
