"""What is counted is counted the same everywhere, and other tools count as we do."""

import re
from collections import Counter
from pathlib import Path

import pytest
import xmlschema
from builders.report_readers import READERS
from builders.reports import (
    a_cell,
    a_hostile_report,
    a_probe,
    a_report,
    a_service,
    an_attempt,
    an_empty_report,
    an_environment,
)
from builders.shop import shop_report
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped

from matrix.core.verdict import Verdict
from matrix.report import render
from matrix.report.summary import counts

JENKINS = Path(__file__).with_name("schemas") / "jenkins-junit-10.xsd"
ROWS, COLUMNS = ("queue", "website", "api"), ("laptop", "qa")
#: The page, JUnit, JSON, Markdown, CSV and the others that show cells.
GRIDS = sorted(READERS)


def report_of(verdicts):
    cells = []
    for (row, column), (verdict, probes) in verdicts.items():
        measured = [a_probe(f"p{at}", one, folder=row) for at, one in enumerate(probes)]
        attempt = an_attempt(measured, verdict=verdict)
        cells.append(a_cell(row, column, verdict, attempt, message="said"))
    return a_report(
        tuple(a_service(row) for row in ROWS),
        tuple(an_environment(column) for column in COLUMNS),
        cells,
    )


SOME_REPORT = st.dictionaries(
    st.tuples(st.sampled_from(ROWS), st.sampled_from(COLUMNS)),
    st.tuples(
        st.sampled_from(Verdict),
        st.lists(st.sampled_from([one for one in Verdict if one is not Verdict.STALE]), max_size=3),
    ),
).map(report_of)


@settings(max_examples=25)
@given(SOME_REPORT)
def test_every_format_counts_the_same(report):
    expected = {verdict: count for verdict, count in counts(report).items() if count}
    for name in GRIDS:
        found = Counter(verdict for _, verdict in READERS[name](render(name, report), report))
        assert found == expected, name


@settings(max_examples=25)
@given(SOME_REPORT)
def test_legends_and_variables_count_as_the_cells_do(report):
    expected = {verdict.value: count for verdict, count in counts(report).items()}
    variables = dict(line.split("=") for line in render("dotenv", report).splitlines())
    assert {name: int(variables[f"MATRIX_{name}"]) for name in expected} == expected
    legend = next(line for line in render("markdown", report).splitlines() if " · " in line)
    shown = {word.upper(): int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", legend)}
    assert shown == expected


@settings(max_examples=25)
@given(SOME_REPORT)
def test_junit_is_read_back_with_the_counts_it_claims(report):
    document = JUnitXml.fromstring(render("junit", report).encode())
    cases = [case for suite in document for case in suite]
    kinds = Counter(type(result) for case in cases for result in case.result)
    skipped = sum(suite.skipped for suite in document)
    claimed = (document.tests, document.failures, document.errors, skipped)
    assert claimed == (len(cases), kinds[Failure], kinds[Error], kinds[Skipped])
    failed = {
        verdict
        for _, verdict in READERS["junit"](render("junit", report), report)
        if verdict in (Verdict.FAILED, Verdict.ERROR)
    }
    assert bool(kinds[Failure]) >= (Verdict.FAILED in failed)
    assert bool(kinds[Error]) >= (Verdict.ERROR in failed)


@pytest.fixture(scope="module")
def jenkins():
    return xmlschema.XMLSchema(JENKINS)


@pytest.mark.parametrize(
    "report", [shop_report, an_empty_report, a_hostile_report], ids=lambda one: one.__name__
)
def test_jenkins_takes_the_junit_file(jenkins, report):
    jenkins.validate(render("junit", report()))


def test_the_schema_of_jenkins_refuses_what_is_none(jenkins):
    document = render("junit", shop_report()).replace("<testcase name=", "<testcase nam=")
    with pytest.raises(xmlschema.XMLSchemaException):
        jenkins.validate(document)
