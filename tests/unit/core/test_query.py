import json
import time
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.errors import UsageError
from matrix.core.model import CellId
from matrix.core.query import EXAMPLES, KEYS, Asked, parse, select_cells
from matrix.core.verdict import Verdict

TABLE = json.loads((Path(__file__).parents[2] / "builders/queries.json").read_text("utf-8"))
NOW = datetime.fromisoformat(TABLE["now"])


def asked(found: dict) -> Asked:
    at = found["finished_at"]
    return Asked(
        cell=CellId(service=found["service"], environment=found["environment"]),
        verdict=Verdict(found["verdict"]),
        reason=found["reason"],
        message=found["message"],
        service_title=found.get("service_title", ""),
        environment_title=found.get("environment_title", ""),
        owner=found["owner"],
        kind=found["kind"],
        engine=found["engine"],
        architecture=found["architecture"],
        labels=found["labels"],
        flaky=found["flaky"],
        changed=found["changed"],
        waived=found["waived"],
        reported=found.get("reported", False),
        reused=bool(found["reused"]),
        running=found["running"],
        finished_at=datetime.fromisoformat(at) if at else None,
    )


CELLS = tuple(map(asked, TABLE["cells"]))


def ids(query: str) -> list[str]:
    return [str(one.cell) for one in select_cells(CELLS, parse(query), now=NOW)]


@pytest.mark.parametrize(
    "case", [case for case in TABLE["queries"] if "cells" in case], ids=lambda case: case["query"]
)
def test_a_query_means_exactly_these_cells(case):
    assert ids(case["query"]) == case["cells"]


@pytest.mark.parametrize(
    "case", [case for case in TABLE["queries"] if "error" in case], ids=lambda case: case["query"]
)
def test_a_query_that_means_nothing_is_refused_with_what_is_allowed(case):
    with pytest.raises(UsageError) as refused:
        parse(case["query"])
    assert str(refused.value).startswith(case["error"])
    assert "(" in str(refused.value)


def test_every_key_has_an_example_that_can_be_read():
    assert list(EXAMPLES) == list(KEYS)
    for key, example in EXAMPLES.items():
        (word,) = parse(example)
        assert word.key == key


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_is_refused(text):
    try:
        words = parse(text)
    except UsageError:
        return
    select_cells(CELLS, words, now=NOW)


@given(st.sampled_from([case["query"] for case in TABLE["queries"] if "cells" in case]))
def test_a_word_and_its_negation_part_the_grid(query):
    words = query.split()
    if len(words) == 1 and not query.startswith("-"):
        assert sorted(ids(query) + ids(f"-{query}")) == sorted(ids(""))


def test_a_pattern_of_many_stars_does_not_take_for_ever():
    began = time.process_time()
    assert ids(f"service:{'*' * 2000}") == ids("")
    assert ids(f"service:{'*e' * 1000}") == []
    assert ids("service:[q]ueue") == []
    assert time.process_time() - began < 5


def test_a_query_that_is_too_long_is_refused():
    with pytest.raises(UsageError, match="at most"):
        parse("a" * 5000)
