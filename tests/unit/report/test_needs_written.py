"""What a server must have, written down for whoever runs it."""

import json
import re

import pytest

from matrix.core.needs import Check, Level, Need
from matrix.report.needs import FORMS, render_needs

PROBE = Check(kind="probe", id="outside/test_x.py::test_y[a|b]", says="It <works> | well")
ALWAYS = Check(kind="runner", id="health", says="tried first")


def a_need(topic: str, level: Level, *checks: Check, asks: str = "a lot") -> Need:
    return Need(
        topic=topic, level=level, asks=asks, why="of this", services=("queue",), checked_by=checks
    )


NEEDS = (
    a_need("memory", Level.SHOULD, PROBE, asks="512 MiB | more"),
    a_need("engine", Level.MUST, ALWAYS, PROBE),
    a_need("ports", Level.NOTHING, ALWAYS),
)


@pytest.mark.parametrize("form", FORMS)
def test_every_need_and_every_check_is_in_every_form(form):
    text = render_needs(form, NEEDS, services=["queue"])
    for need in NEEDS:
        assert need.topic in text
    for words in ("512 MiB", "of this", "test_y", "tried first"):
        assert words in text
    assert text.endswith("\n")


def test_numbers_lead_from_each_line_to_what_checks_it():
    text = render_needs("text", NEEDS, services=["queue"])
    assert "A lot [1] [2]" in text
    assert "512 MiB | more [2]" in text
    assert re.search(r"^  \[1\] +runner health: tried first$", text, re.MULTILINE)
    assert text.index("It must have") < text.index("It should have") < text.index("Not asked for")
    assert max(map(len, text.splitlines())) <= 100


def test_markdown_links_each_line_to_its_checks_and_breaks_no_table():
    text = render_needs("markdown", NEEDS, services=["queue"])
    links = set(re.findall(r"\(#(check-\d+)\)", text))
    assert links == set(re.findall(r'id="(check-\d+)"', text)) == {"check-1", "check-2"}
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4, 5}
    assert "<works>" not in text


def test_json_has_the_same_in_fields():
    data = json.loads(render_needs("json", NEEDS, services=["queue"]))
    assert data["services"] == ["queue"]
    assert [need["level"] for need in data["needs"]] == ["should", "must", "nothing"]
    assert data["needs"][1]["checked_by"][0] == {
        "kind": "runner",
        "id": "health",
        "says": "tried first",
    }


def test_nothing_in_it_acts_on_a_terminal():
    evil = a_need("memory", Level.MUST, ALWAYS, asks="\x1b[2Jgone")
    assert "\x1b" not in render_needs("text", [evil], services=["queue"])
