"""Requirements against facts."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.core.errors import ProbeCodeError
from matrix.core.model import Requirement
from matrix.core.requirements import holds, needs_of_probe, sentence, unmet, version
from matrix.core.result import PlannedProbe, Side


def asking(operator, asked, fact="thing"):
    return Requirement(fact=fact, operator=operator, asked=asked)


@pytest.mark.parametrize(
    ("operator", "asked", "found", "met"),
    [
        ("==", "amd64", "amd64", True),
        ("==", "amd64", "arm64", False),
        ("==", 1, True, False),
        ("==", True, 1, False),
        ("==", True, True, True),
        ("==", 2, 2, True),
        (">=", "1.40", "1.41", True),
        (">=", "1.40", "1.9", False),
        (">=", "20.10", "20.10.24+dfsg1", True),
        (">=", "20.10.0", "20.10", True),
        (">=", "6", "5.10.0-28-amd64", False),
        ("<=", "6", "5.10.0-28-amd64", True),
        (">=", 268435456, 268435455, False),
        (">=", 268435456, 268435456, True),
        ("<=", 0.5, 0.25, True),
        (">=", 1.40, "1.41", False),
        (">=", "1.40", 2, True),
        (">=", 20, "20.10.24", True),
        (">=", 21, "20.10.24", False),
        (">=", 0, "0.0", True),
        (">=", "1.40", 2.0, False),
        (">=", 1, True, False),
        (">=", "1", "unstable", False),
        (">=", 1.0, float("nan"), False),
        ("<=", 1.0, float("nan"), False),
        ("in", ("amd64", "arm64"), "arm64", True),
        ("in", ("amd64",), "arm64", False),
        ("in", ("1", "2"), 2, True),
        ("in", "amd64", "amd", False),
    ],
)
def test_a_fact_is_compared_as_its_type_asks(operator, asked, found, met):
    assert holds(asking(operator, asked), {"thing": found}) is met


@pytest.mark.parametrize(
    ("operator", "asked"), [("==", "x"), (">=", "0"), ("<=", "9"), ("in", ("unknown",))]
)
@pytest.mark.parametrize("facts", [{}, {"thing": None}], ids=["absent", "not to be had"])
def test_a_fact_that_was_not_measured_meets_nothing(operator, asked, facts):
    (missing,) = unmet([asking(operator, asked)], facts)
    assert missing.found == "unknown"


def test_an_unmet_requirement_says_what_was_asked_and_what_was_found():
    facts = {"engine.api": "1.41", "architecture": "arm64", "memory_bytes": 5}
    missing = unmet(
        [
            asking(">=", "1.45", "engine.api"),
            asking("in", ("amd64", "s390x"), "architecture"),
            asking(">=", 4, "memory_bytes"),
        ],
        facts,
    )
    assert [sentence(one) for one in missing] == [
        "engine.api: asked >= 1.45, found 1.41",
        "architecture: asked one of amd64, s390x, found arm64",
    ]


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.text(max_size=5))
def test_a_version_is_the_number_it_begins_with(numbers, tail):
    text = ".".join(map(str, numbers))
    plain = version(text)
    assert plain is not None
    assert version(f"{text}-{tail}") == plain
    assert plain <= tuple(numbers)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_a_comparison(text):
    assert holds(asking(">=", text), {"thing": text}) is (version(text) is not None)


def probe(**requires):
    return PlannedProbe(
        id="p", side=Side.INSIDE, title="p", requires=requires, file=Path("/p/test_p.py")
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (">=1.40", [(">=", "1.40")]),
        ("<= 4", [("<=", 4)]),
        ("==2", [("==", 2)]),
        ("amd64", [("==", "amd64")]),
        (True, [("==", True)]),
        (["a", "b"], [("in", ("a", "b"))]),
        ({">=": 1, "<=": 3}, [(">=", 1), ("<=", 3)]),
    ],
)
def test_a_marker_becomes_requirements(asked, expected):
    needs = needs_of_probe(probe(thing=asked))
    assert [(need.operator, need.asked) for need in needs] == expected


@pytest.mark.parametrize("asked", [None, {"~": 1}, {"in": {"x": 1}}])
def test_a_marker_that_asks_nothing_sensible_is_a_broken_probe(asked):
    with pytest.raises(ProbeCodeError, match="thing"):
        needs_of_probe(probe(thing=asked))
