"""Each limit that a result is held to, one field at a time: refused for that and nothing else."""

import copy
import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from builders.kits import tiny_kit
from builders.results import BUILT, EXPIRES, NOW, Json, Sent, a_kit, take_in

from matrix.bundle.result import ENVELOPE_CAPS, ESCAPES_MOST, REPORT_CAPS
from matrix.core.errors import UsageError
from matrix.core.kits import Import
from matrix.core.store_ports import Store
from matrix.importing import Desk, import_result

LONG, MANY = "x" * 2049, 10**300


def cell(**fields: object) -> Callable[[Json], None]:
    return lambda report: report["cells"][0].update(fields)


def attempt(**fields: object) -> Callable[[Json], None]:
    return lambda report: report["cells"][0]["attempts"][0].update(fields)


def probe(**fields: object) -> Callable[[Json], None]:
    return lambda report: report["cells"][0]["attempts"][0]["probes"][0].update(fields)


def command(**fields: object) -> Callable[[Json], None]:
    def change(report: Json) -> None:
        report["cells"][0]["attempts"][0]["probes"][0]["commands"][0].update(fields)

    return change


def place(**fields: object) -> Callable[[Json], None]:
    return lambda report: report["environments"][0].update(fields)


def host(**fields: object) -> Callable[[Json], None]:
    return lambda report: report["environments"][0]["hosts"][0].update(fields)


def copies(*, of: str, count: int, differ: str = "") -> Callable[[Json], None]:
    """As many of the first member of a list, apart from each other in one field."""

    def change(report: Json) -> None:
        lists = {
            "environments": report["environments"],
            "hosts": report["environments"][0]["hosts"],
            "attempts": report["cells"][0]["attempts"],
        }
        found = lists[of]
        found[:] = [copy.deepcopy(found[0]) for _ in range(count)]
        for at, one in enumerate(found if differ else ()):
            one[differ] = f"h{at}"

    return change


LIMITS = {
    "version": (lambda report: report.update(version="1" * 41), "version: 41 characters"),
    "environments": (copies(of="environments", count=17), "environments: 17 of them"),
    "environment's name": (place(name="a b"), "environment: 'a b' is no name"),
    "hosts": (copies(of="hosts", count=17), "hosts: 17 of them"),
    "host's name": (host(name="../x"), r"host: '../x' is no name"),
    "host's fingerprint": (host(fingerprint="zz"), "fingerprint: 'zz' is no hash"),
    "facts": (host(facts={f"f{at}": 1 for at in range(501)}), "facts: 501 of them"),
    "fact's name": (host(facts={"a b": 1}), "fact: 'a b' is no name"),
    "fact": (host(facts={"cpus": 2**64}), "cpus: out of range"),
    "cell's service": (cell(service="a b"), "service: 'a b' is no name"),
    "cell's environment": (cell(environment="c d"), "environment: 'c d' is no name"),
    "cell's reason": (cell(reason=LONG), "reason: 2049 characters"),
    "cell's image": (cell(image_id=LONG), "image_id: 2049 characters"),
    "cell's probes": (cell(probes_digest=LONG), "probes_digest: 2049 characters"),
    "cell's fingerprint": (cell(fingerprint="f"), "fingerprint: 'f' is no hash"),
    "attempts": (copies(of="attempts", count=65), "attempts: 65 of them"),
    "attempts' hosts": (copies(of="attempts", count=17, differ="host"), "hosts: 17 of them"),
    "attempt's number": (attempt(number=2**31), "number: out of range"),
    "attempt's host": (attempt(host="a b"), "host: 'a b' is no name"),
    "attempt's reason": (attempt(reason=LONG), "reason: 2049 characters"),
    "attempt's image": (attempt(image_id=LONG), "image_id: 2049 characters"),
    "attempt's seconds": (attempt(seconds=1e300), "seconds: out of range"),
    "attempt's logs": (attempt(logs={"a b": ""}), "name: 'a b' is no name"),
    "attempt's steps": (attempt(steps={"start": 1e300}), "steps: out of range"),
    "probe's id": (probe(id=LONG), "id: 2049 characters"),
    "probe's title": (probe(title=LONG), "title: 2049 characters"),
    "probe's reason": (probe(reason=LONG), "reason: 2049 characters"),
    "probe's seconds": (probe(seconds=-1e300), "seconds: out of range"),
    "command's status": (command(exit_status=2**31), "exit_status: out of range"),
    "command's bytes": (command(stderr_bytes=2**54), "stderr_bytes: out of range"),
    "command's seconds": (command(seconds=1e300), "seconds: out of range"),
}


@pytest.mark.parametrize(("change", "why"), LIMITS.values(), ids=LIMITS)
def test_a_value_beyond_its_limit_is_refused_by_its_name(sent, refuse, change, why):
    refuse(sent.with_changed_report(change), why)


def test_a_file_is_read_no_further_than_a_result_may_be_long(refuse):
    refuse(b" " * (ENVELOPE_CAPS.size_bytes + 1), "is larger than a result may be")


def test_what_may_fill_the_memory_is_counted_before_it_is_parsed(sent, refuse):
    refuse(b'{"payload": [' + b"[]," * 65 + b"[]]}", "the file holds more than 64 objects")
    refuse(b'{"payload": "' + b"\\/" * (ESCAPES_MOST + 1) + b'"}', "holds more escapes")
    refuse(sent.with_report(b"[" * (REPORT_CAPS.containers + 1)), "the report holds more than 4000")


def test_a_report_is_unpacked_no_further_than_it_may_be_long(sent, refuse):
    packed = gzip.compress(b" " * (REPORT_CAPS.size_bytes + 1024), mtime=0)
    refuse(sent.with_evidence(packed), "the report is larger than 16 MiB")


def test_a_report_that_is_not_base64_is_refused(sent, refuse):
    def change(statement: Json) -> None:
        statement["predicate"]["evidence"]["content"] = "H4sI !!"

    refuse(sent.with_changed_statement(change), "is not base64")


@pytest.mark.parametrize(
    ("name", "field", "why"),
    [("nonce", "annotations", "which kit it is from"), ("kit", "digest", "which kit it was")],
)
def test_what_it_rests_on_is_not_only_named(sent, refuse, name, field, why):
    def change(statement: Json) -> None:
        for one in statement["predicate"]["configuration"]:
            if one["name"] == name:
                one[field] = {} if field == "annotations" else None

    refuse(sent.with_changed_statement(change), why)


def test_another_kits_file_is_no_record_for_a_result(sent, refuse, tmp_path: Path):
    tiny_kit(tmp_path / "tiny.matrix")
    stranger = Sent(kit=a_kit(nonce="b"), key=sent.key)
    refuse(
        stranger.result(),
        "is not from tiny.matrix but from another kit",
        kit=tmp_path / "tiny.matrix",
    )


def test_a_claim_without_a_time_is_refused(sent, refuse):
    refuse(sent.with_changed_report(cell(finished_at=None)), "nobody knows when")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (attempt(started_at=(BUILT - timedelta(hours=1)).isoformat()), "before the kit was made"),
        (
            lambda report: report.update(started_at=(NOW + timedelta(hours=1)).isoformat()),
            "still to come",
        ),
        (cell(finished_at=EXPIRES.isoformat()), "when the kit was over"),
    ],
    ids=["attempt", "run", "to the second"],
)
def test_every_moment_in_it_must_be_while_the_kit_was_good(sent, refuse, change, why):
    late = EXPIRES + timedelta(days=1) if "over" in why else NOW
    refuse(sent.with_changed_report(change), why, now=late)


def test_a_digest_of_the_plan_that_is_none_is_not_kept(store: Store, sent, tmp_path: Path):
    data = sent.with_changed_report(lambda report: report.update(plan_digest="d" * 10_000))
    found = take_in(store, data, sent.ring(), tmp_path)
    assert store.head(found.run).plan_digest == ""


def test_a_file_that_cannot_be_read_is_a_slip_of_the_caller(store: Store, sent, tmp_path: Path):
    desk = Desk(store=store, ring=sent.ring(), kit=None, now=NOW)
    with pytest.raises(UsageError, match="cannot be read"):
        import_result(desk, tmp_path / "nowhere.matrix")


class Behind:
    """A store that somebody else imports into between a look and what is done by it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def load_import(self, nonce: str) -> Import | None:
        del nonce
        return None

    def newest_headlines(self) -> dict:
        return {}


def test_two_who_import_the_same_at_once_make_one_run(store: Store, sent, tmp_path: Path):
    first = take_in(store, sent.good, sent.ring(), tmp_path)
    again = take_in(Behind(store), sent.good, sent.ring(), tmp_path, now=NOW + timedelta(hours=1))
    assert (again.known, again.run) == (True, first.run)
