"""What comes back from a kit: who is believed, what is refused, and that refusing costs nothing."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders.results import (
    BUILT,
    EXPIRES,
    MEASURED,
    NOW,
    Sent,
    a_customers_report,
    a_key,
    a_kit,
    dump,
    take_in,
)

from matrix.bundle import dsse
from matrix.bundle.sshsig import fingerprint
from matrix.core.model import CellId
from matrix.core.result import Reporter
from matrix.core.verdict import Verdict
from matrix.returning import make_result

QUEUE = CellId(service="queue", environment="acme")


def test_a_result_fills_the_customers_column_in_their_own_words(store, sent, tmp_path):
    found = take_in(store, sent.result(), sent.ring(), tmp_path)
    reporter = Reporter(name="acme", key=fingerprint(sent.key.public))
    assert (found.reporter, found.known) == (reporter, False)
    assert found.removed == {"name": 3, "secret": 1}
    run, result = store.newest_whole_cells()[QUEUE]
    assert (run, store.reporters()) == (found.run, {found.run: reporter})
    there = a_customers_report(sent.kit).grid.cells[QUEUE].result
    assert result == there
    (host,) = store.newest_findings()["acme"].hosts
    assert host.facts["engine.version"] == "28.5"


def test_the_same_bytes_again_change_nothing(store, sent, database, tmp_path):
    data = sent.result()
    first = take_in(store, data, sent.ring(), tmp_path)
    before = dump(database)
    again = take_in(store, data, sent.ring(), tmp_path, now=NOW + timedelta(days=99))
    assert (again.known, again.run) == (True, first.run)
    assert dump(database) == before


def test_another_result_of_a_kit_that_has_one_is_refused(store, sent, refuse, tmp_path):
    take_in(store, sent.result(), sent.ring(), tmp_path)
    other = make_result(
        a_customers_report(sent.kit, Verdict.FAILED),
        sent.kit,
        sent.key,
    )
    refuse(other, "another result of this kit was imported on 2026-11-04 12:00 UTC")


def test_an_honest_signature_under_false_content_is_somebodys_word(store, sent, tmp_path):
    def claim(report: dict) -> None:
        report["cells"][0]["attempts"][0]["probes"][0]["output"] = "all is well, believe me"

    found = take_in(store, sent.with_changed_report(claim), sent.ring(), tmp_path)
    assert store.reporters()[found.run].name == "acme"
    assert store.head(found.run).by == "acme, self-reported"


def test_a_result_without_a_signature_is_refused(sent, refuse):
    envelope = json.loads(sent.result())
    refuse(json.dumps(envelope | {"signatures": []}).encode(), "needs 1 to 4 signatures")


def test_a_result_signed_by_a_stranger_is_refused(sent, refuse):
    stranger = a_key()
    data = sent.sealed(sent.statement(), key=stranger)
    refuse(data, f"signed by {re.escape(fingerprint(stranger.public))}, which is not an allowed")


def test_a_signature_over_another_type_of_content_is_refused(sent, refuse):
    payload = json.dumps(sent.statement()).encode()
    sealed = json.loads(
        dsse.seal(
            payload,
            "application/json",
            signer=lambda message: sent.key.sign(message, namespace=dsse.NAMESPACE),
        )
    )
    refuse(json.dumps(sealed).encode(), "signed as 'application/json'")
    sealed["payloadType"] = dsse.STATEMENT_TYPE
    refuse(json.dumps(sealed).encode(), "does not belong to this content")


def test_a_signature_for_files_is_none_for_results(sent, refuse):
    payload = json.dumps(sent.statement()).encode()
    data = dsse.seal(
        payload,
        dsse.STATEMENT_TYPE,
        signer=lambda message: sent.key.sign(message, namespace="file"),
    )
    refuse(data, 'signed as "file"')


def test_a_trusted_keyid_beside_a_strangers_signature_is_of_no_use(sent, refuse):
    envelope = json.loads(sent.sealed(sent.statement(), key=a_key()))
    envelope["signatures"][0]["keyid"] = fingerprint(sent.key.public)
    refuse(json.dumps(envelope).encode(), "not an allowed signer")


def test_a_trusted_signature_of_other_content_beside_a_strangers_is_of_no_use(sent, refuse):
    other = json.loads(sent.sealed({"something": "else"}))
    envelope = json.loads(sent.sealed(sent.statement(), key=a_key()))
    envelope["signatures"] += other["signatures"]
    refuse(json.dumps(envelope).encode(), "does not belong to this content")


def test_a_revoked_key_signs_for_nobody(sent, refuse):
    refuse(sent.result(), "is revoked", ring=sent.ring(sent.key))


def test_a_key_of_another_customer_does_not_sign_for_this_one(sent, refuse):
    refuse(sent.result(), "may not sign for acme", ring=sent.ring(name="globex"))


def test_a_kit_that_nobody_here_made_is_refused_with_what_to_do(sent, refuse):
    other = Sent(kit=a_kit(nonce="b"), key=sent.key)
    refuse(other.result(), "a kit that this project never made.*--kit")


def test_a_nonce_of_another_customers_kit_is_refused(store, sent, refuse):
    globex = a_kit("globex", nonce="c")
    store.record_kit(globex)

    def borrow(statement: dict) -> None:
        for one in statement["predicate"]["configuration"]:
            if one["name"] == "nonce":
                one["annotations"]["nonce"] = globex.nonce

    refuse(sent.with_changed_statement(borrow), "may not sign for globex")
    refuse(sent.with_changed_statement(borrow), "from two kits", ring=sent.ring(name="*"))


def test_a_result_that_another_policy_has_judged_is_refused(sent, refuse):
    def lenient(statement: dict) -> None:
        for one in statement["predicate"]["configuration"]:
            if one["name"] == "policy":
                one["digest"]["sha256"] = "e" * 64

    refuse(sent.with_changed_statement(lenient), "judged by another policy than that of its kit")


def test_a_result_that_does_not_say_by_which_policy_is_refused(sent, refuse):
    def silent(statement: dict) -> None:
        rests_on = statement["predicate"]["configuration"]
        rests_on[:] = [one for one in rests_on if one["name"] != "policy"]

    refuse(sent.with_changed_statement(silent), "names 0 times which policy it is of")


def test_a_kit_from_before_kits_had_a_policy_still_counts(store, sent, tmp_path):
    older = Sent(kit=replace(a_kit(nonce="f"), policy=""), key=sent.key)
    store.record_kit(older.kit)

    def any_policy(statement: dict) -> None:
        for one in statement["predicate"]["configuration"]:
            if one["name"] == "policy":
                one["digest"]["sha256"] = "e" * 64

    data = older.with_changed_statement(any_policy)
    assert take_in(store, data, sent.ring(), tmp_path).reporter.name == "acme"


def test_two_kits_of_one_customer_are_not_mixed(store, sent, refuse):
    newer = replace(a_kit(nonce="d"), probes={"queue": "sha256:new", "api": "sha256:new"})
    store.record_kit(newer)
    both = Sent(kit=newer, key=sent.key).statement()
    both["predicate"]["evidence"] = sent.statement()["predicate"]["evidence"]
    refuse(sent.sealed(both), "measured with other probes than those of the kit")


@pytest.mark.parametrize("name", ["kit", "probe-set"])
def test_what_it_was_measured_with_must_be_that_of_the_kit(sent, refuse, name):
    def change(statement: dict) -> None:
        for one in statement["predicate"]["configuration"]:
            if one["name"] == name:
                one["digest"]["sha256"] = "e" * 64

    refuse(sent.with_changed_statement(change), "two kits|other probes")


@pytest.mark.parametrize("name", ["nonce", "kit", "probe-set"])
def test_what_it_rests_on_is_said_once(sent, refuse, name):
    def leave_out(statement: dict) -> None:
        found = statement["predicate"]["configuration"]
        found[:] = [one for one in found if one["name"] != name]

    def say_twice(statement: dict) -> None:
        found = statement["predicate"]["configuration"]
        found += [one for one in found if one["name"] == name]

    refuse(sent.with_changed_statement(leave_out), f"names 0 times which {name}")
    refuse(sent.with_changed_statement(say_twice), f"names 2 times which {name}")


def test_a_subject_must_be_an_image_of_the_kit(sent, refuse):
    def change(statement: dict) -> None:
        statement["subject"][0]["digest"]["sha256"] = "f" * 64

    refuse(sent.with_changed_statement(change), "an image of queue that its kit has not")


CHANGES = {
    "another image": (
        lambda report: report["cells"][0].update(image_id="sha256:" + "0" * 64),
        "with another image than that of the kit",
    ),
    "no image": (lambda report: report["cells"][0].update(image_id=""), "another image"),
    "other probes": (lambda report: report["cells"][0].update(probes_digest=""), "other probes"),
    "another environment": (
        lambda report: report["environments"][0].update(name="prod"),
        "about more than the services of the kit at acme",
    ),
    "a cell elsewhere": (
        lambda report: report["cells"][0].update(environment="prod"),
        "about more than the services of the kit",
    ),
    "a service of ours": (
        lambda report: report["cells"][0].update(service="userdb"),
        "about more than the services of the kit",
    ),
    "a second environment": (
        lambda report: report["environments"].append(report["environments"][0]),
        "about more than the services of the kit",
    ),
    "green without its probes": (
        lambda report: report["cells"][0]["attempts"][0].update(probes=[]),
        "contradicts itself.*without its probes",
    ),
    "green without attempts": (
        lambda report: report["cells"][0].update(attempts=[]),
        "contradicts itself",
    ),
    "twice the same cell": (
        lambda report: report["cells"].append(report["cells"][0]),
        "do not say the same|twice",
    ),
    "another verdict than the statement": (
        lambda report: report["cells"][0].update(verdict="MISSING"),
        "do not say the same about every cell",
    ),
    "taken over": (
        lambda report: report["cells"][0].update(reused_from="earlier"),
        "takes nothing over",
    ),
}


@pytest.mark.parametrize(("change", "why"), CHANGES.values(), ids=CHANGES)
def test_a_report_of_something_else_than_the_kit_is_refused(sent, refuse, change, why):
    refuse(sent.with_changed_report(change), why)


def moved(report: dict, seconds: float) -> None:
    """Everything in the report, so much later."""

    def later(text: str) -> str:
        return (datetime.fromisoformat(text) + timedelta(seconds=seconds)).isoformat()

    report["started_at"] = later(report["started_at"])
    for cell in report["cells"]:
        cell["finished_at"] = later(cell["finished_at"])
        for attempt in cell["attempts"]:
            attempt["started_at"] = later(attempt["started_at"])


@pytest.mark.parametrize(
    ("seconds", "now", "why"),
    [
        (
            (EXPIRES - MEASURED).total_seconds(),
            EXPIRES + timedelta(days=9),
            "when the kit was over",
        ),
        ((BUILT - MEASURED).total_seconds() - 3600, NOW, "before the kit was made"),
        ((NOW - MEASURED).total_seconds() + 3600, NOW, "still to come"),
        (-60 * 365.25 * 86400, NOW, "before the kit was made"),
    ],
    ids=["over", "before", "future", "long ago"],
)
def test_it_must_have_been_measured_while_the_kit_was_good(sent, refuse, seconds, now, why):
    data = sent.with_changed_report(lambda report: moved(report, seconds))
    refuse(data, why, now=now)


def test_a_result_measured_in_time_may_come_later(store, sent, tmp_path):
    late = take_in(store, sent.result(), sent.ring(), tmp_path, now=EXPIRES + timedelta(days=30))
    assert not late.known


def test_what_was_measured_since_is_not_pushed_aside(store, sent, refuse, tmp_path):
    newer = Sent(kit=a_kit(nonce="b"), key=sent.key)
    store.record_kit(newer.kit)
    data = newer.with_changed_report(lambda report: moved(report, 3600))
    take_in(store, data, sent.ring(), tmp_path)
    refuse(sent.result(), "was measured again since")
