"""A report that says one thing here and another there is refused."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from builders.reports import BEGAN, a_hostile_report, an_empty_report
from builders.shop import shop_report

from matrix.core.errors import Refused
from matrix.core.verdict import Verdict
from matrix.report import render, summary
from matrix.report.consistent import said_in_json, said_in_statement, said_on_page

HERE = Path("report")
SAID = {"json": said_in_json, "html": said_on_page, "in-toto": said_in_statement}
SHOP = shop_report()
TEXTS = {name: render(name, SHOP) for name in SAID}


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize(
    "report", [SHOP, an_empty_report(), a_hostile_report()], ids=["shop", "empty", "evil"]
)
def test_what_we_write_is_consistent_and_says_what_the_grid_says(name, report):
    found = SAID[name](HERE, render(name, report))
    assert +Counter(found.counts) == +Counter(summary.counts(report))
    assert (found.door or report.decision.door.value) == report.decision.door.value
    assert found.signed_by == ""


@pytest.mark.parametrize("name", ["json", "html"])
def test_the_key_it_says_it_is_signed_with_is_read_back(name):
    text = render(name, replace(SHOP, signed_by="SHA256:abc"))
    assert SAID[name](HERE, text).signed_by == "SHA256:abc"


@pytest.mark.parametrize("name", SAID)
def test_it_tells_when_it_was_measured(name):
    first, last = SAID[name](HERE, TEXTS[name]).measured
    assert BEGAN <= first <= last


def test_the_page_says_how_it_stands_with_its_signature():
    assert "not when it was written" in TEXTS["html"]
    signed = render("html", replace(SHOP, signed_by="SHA256:abcdefghijklmnopqrstuvwxyz"))
    assert 'title="SHA256:abcdefghijklmnopqrstuvwxyz">SHA256:abcdefghijkl…' in signed
    assert "not when it was written" not in signed


def other(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def changed(text: str, change) -> str:
    document = json.loads(text)
    change(document)
    return json.dumps(document)


def of_json(change):
    return "json", changed(TEXTS["json"], change)


def of_page(old, new):
    return "html", other(TEXTS["html"], old, new)


def of_statement(change):
    return "in-toto", changed(TEXTS["in-toto"], change)


def made_green(document):
    cell = next(cell for cell in document["cells"] if cell["verdict"] == "FAILED")
    cell["verdict"] = "PASSED"


CONTRADICTIONS = {
    "a verdict that its attempts do not say": (of_json(made_green), "attempts say FAILED"),
    "counts": (of_json(lambda at: at["counts"].update(PASSED=99)), "its counts are not"),
    "a cell left out": (of_json(lambda at: at["cells"].pop()), "its counts are not"),
    "a row without cells": (of_json(lambda at: at["services"].pop()), "are not those of its"),
    "an open gate": (of_json(lambda at: at["gate"].update(door="OPEN")), "OPEN and exits 1"),
    "another gate shown": (
        of_page('bar" data-door="CLOSED"', 'bar" data-door="OPEN"'),
        "shows the gate",
    ),
    "another gate in it": (of_page('"door":"CLOSED"', '"door":"OPEN"'), "shows the gate"),
    "a tile": (of_page('<td data-verdict="FAILED"', '<td data-verdict="PASSED"'), "the cells that"),
    "its data": (of_page('"verdict":"FAILED"', '"verdict":"PASSED"'), "its counters"),
    "a counter": (of_page("</span><b>6</b> failed", "</span><b>5</b> failed"), "its counters"),
    "a script": (
        of_page(
            "matrix.",
            "matrix .",
        ),
        "not the one that its policy allows",
    ),
    "no policy": (of_page("script-src", "nothing-src"), "no policy"),
    "no data": (
        of_page(
            '<script type="application/json" id="grid', '<script type="application/json" id="no'
        ),
        "neither",
    ),
    "a result": (
        of_statement(lambda at: at["predicate"].update(result="PASSED")),
        "result is PASSED",
    ),
    "a list": (
        of_statement(lambda at: at["predicate"]["passedTests"].pop()),
        "lists as PASSED",
    ),
    "a cell twice": (
        of_statement(lambda at: at["predicate"]["passedTests"].append("queue@qa")),
        "twice",
    ),
    "another statement": (of_statement(lambda at: at.update(predicateType="x")), "predicateType"),
    "nothing": (("json", "{}"), "schema_version"),
    "half": (("json", TEXTS["json"][:1000]), "Invalid JSON"),
    "deep": (("in-toto", '{"a":' + "[" * 100_000), "cannot be read"),
    "another page": (("html", "<!doctype html><p>fine"), "neither"),
}


@pytest.mark.parametrize(("file", "says"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_refused_in_words(file, says):
    name, text = file
    with pytest.raises(Refused, match=re.escape(says)):
        SAID[name](HERE, text)


@pytest.mark.parametrize(
    "piece", ["<script>", "<style>", '<li data-verdict="A" data-word=', "style-src &#39;sha256-a"]
)
def test_a_page_that_is_made_to_be_slow_is_not(piece):
    # A search that starts anew at each of these would take hours. What is behind the page's end
    # changes nothing that it says.
    page = TEXTS["html"] + piece * (4 * 1024 * 1024 // len(piece))
    assert said_on_page(HERE, page) == said_on_page(HERE, TEXTS["html"])


def test_every_verdict_of_the_shop_is_counted():
    assert set(+Counter(said_on_page(HERE, TEXTS["html"]).counts)) == set(Verdict)
