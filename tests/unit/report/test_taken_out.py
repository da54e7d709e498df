"""A report says what is not in it."""

import json
from dataclasses import replace

from builders.reports import a_report, a_service, an_environment

from matrix.core.redaction import Removed
from matrix.report import render

REMOVED = (
    Removed(kind="name", where="", count=1),
    Removed(kind="address", where="queue@qa", count=3),
    Removed(kind="secret", where="queue@qa", count=1),
    Removed(kind="new <kind>", where="acme", count=2),
)


def test_it_is_listed_by_place_and_kind():
    report = replace(a_report((a_service("queue"),), (an_environment("qa"),)), redacted=REMOVED)
    text = render("text", report)
    assert "taken out before anything was written:\n  the run: 1 name\n" in text
    assert "  queue@qa: 3 addresses, 1 secret\n  acme: 2 new <kind>\n" in text
    page = render("html", report)
    assert "Taken out before anything was written" in page
    assert "3 addresses, 1 secret" in page
    assert "2 new &lt;kind&gt;" in page
    assert json.loads(render("json", report))["redacted"][1] == {
        "kind": "address",
        "where": "queue@qa",
        "count": 3,
    }


def test_where_nothing_is_taken_out_nothing_is_said():
    report = a_report((a_service("queue"),), (an_environment("qa"),))
    assert report.redacted == ()
    for name in ("text", "html"):
        assert "aken out before anything" not in render(name, report)
