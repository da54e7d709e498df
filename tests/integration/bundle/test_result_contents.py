"""Whatever stands in a result: nothing in it is believed before it is looked at."""

import base64
import gzip
import json
from dataclasses import replace

import pytest
from builders.results import a_customers_report, evidence_of, take_in

from matrix.core.model import CellId
from matrix.returning import make_result

QUEUE = CellId(service="queue", environment="acme")


def test_the_report_must_be_the_one_it_is_about(sent, refuse):
    def swap(statement: dict) -> None:
        packed = gzip.compress(b"{}")
        evidence = statement["predicate"]["evidence"]
        evidence["content"] = base64.b64encode(packed).decode()

    refuse(sent.with_changed_statement(swap), "not the one that the result is about")


def test_a_report_that_is_cut_short_or_has_something_behind_it_is_refused(sent, refuse):
    packed = evidence_of(sent.statement())
    refuse(sent.with_evidence(packed[:-9]), "cut short")
    refuse(sent.with_evidence(packed + packed), "something behind its end")
    refuse(sent.with_evidence(b"\x1f\x8b" + b"x" * 99), "damaged")


FIELDS = {
    "a number no database takes": ("exit_status", 2**70),
    "a number of five thousand digits": ("stdout_bytes", "HUGE"),
    "a year and more": ("seconds", 1e300),
    "a name that is none": ("target", "../../etc"),
}


@pytest.mark.parametrize(("name", "value"), FIELDS.values(), ids=FIELDS)
def test_a_field_that_no_run_of_ours_has_written_is_refused(sent, refuse, name, value):
    def change(report: dict) -> None:
        report["cells"][0]["attempts"][0]["probes"][0]["commands"][0][name] = value

    report = sent.report()
    change(report)
    text = json.dumps(report).replace('"HUGE"', "9" * 5000)
    refuse(sent.with_report(text.encode()), "none of ours")


FACTS = {
    "of many digits": b"9" * 5000,
    "not finite": b"1e999",
    "not a number": b"NaN",
    "half a character": b'"\\ud800"',
}


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_a_fact_that_cannot_be_written_down_is_refused(sent, refuse, fact):
    text = json.dumps(sent.report()).replace('"28.5"', "FACT").encode()
    refuse(sent.with_report(text.replace(b"FACT", fact)), "none of ours")


def test_a_moment_beyond_the_calendar_is_refused(sent, refuse):
    def change(report: dict) -> None:
        report["cells"][0]["finished_at"] = "0001-01-01T00:00:00+14:00"

    refuse(sent.with_changed_report(change), "before the kit was made")


def test_texts_of_a_result_do_nothing_when_they_are_shown(store, sent, tmp_path):
    def change(report: dict) -> None:
        report["cells"][0]["message"] = "\x1b]0;title\x07<script>"

    found = take_in(store, sent.with_changed_report(change), sent.ring(), tmp_path)
    assert store.load_cell(found.run, QUEUE).message == "␛]0;title␇<script>"


def test_a_report_that_is_too_large_is_sent_with_less_of_its_evidence(store, sent, tmp_path):
    text = "".join(chr(33 + (at * at * 31 + at // 7) % 90) for at in range(200_000))
    report = a_customers_report(sent.kit, text=text)
    cell = report.grid.cells[QUEUE]
    (attempt,) = cell.result.attempts
    (probe,) = attempt.probes
    probe = replace(probe, commands=probe.commands * 100)
    result = replace(cell.result, attempts=(replace(attempt, probes=(probe,)),))
    cells = {**report.grid.cells, QUEUE: replace(cell, result=result)}
    large = replace(report, grid=replace(report.grid, cells=cells))
    data = make_result(large, sent.kit, sent.key)
    take_in(store, data, sent.ring(), tmp_path)
    (command, *_) = store.newest_whole_cells()[QUEUE][1].attempts[0].probes[0].commands
    assert b"cut, 200000 characters in all" in command.result.stdout
