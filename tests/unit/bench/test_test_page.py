"""The page with the last result of the tests counts what is in the JUnit file, and no more."""

import pytest

from bench.write_test_page import page

RECORDED = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1"
 tests="5" time="754.2" timestamp="2026-11-22T18:14:05.123456+00:00" hostname="vm">
<properties><property name="commit" value="431efe3c5348" /></properties>
<testcase classname="tests.unit.core.test_fold" name="test_nothing_is_missing" time="0.001" />
<testcase classname="tests.unit.core.test_fold" name="test_table[a|b]" time="0.002" />
<testcase classname="tests.integration.lab.test_lab" name="test_a_host_answers" time="61.5">
<skipped type="pytest.skip" message="no lab here">tests/lab.py:7: no lab here</skipped></testcase>
<testcase classname="tests.contract.test_store" name="test_it_keeps" time="0.5">
<failure message="assert 1 == 2&#10;  and more">trace</failure></testcase>
<testcase classname="tests.contract.test_store" name="test_it_opens" time="0.25">
<error message="failed on setup">trace</error></testcase>
</testsuite></testsuites>
"""
GREEN = """<testsuites><testsuite time="60" timestamp="2026-11-22T18:14:05">
<testcase classname="tests.unit.test_house" name="test_sizes" time="0.1" /></testsuite></testsuites>
"""
NOTHING = '<testsuites><testsuite time="0" timestamp="2026-11-22T18:14:05" /></testsuites>'


@pytest.mark.parametrize("nothing_good", [RECORDED, NOTHING], ids=["failures", "no test at all"])
def test_only_a_green_result_is_called_well(nothing_good):
    assert "**Not all is well**" in page({"lane": nothing_good})
    assert "**All is well**: 1 passed, 0 failed, 0 error, 0 skipped" in page({"lane": GREEN})


def test_counts_are_by_folder():
    text = page({"lane": RECORDED})
    assert "| tests/unit | 2 | 0 | 0 | 0 | 0 |" in text
    assert "| tests/integration | 0 | 0 | 0 | 1 | 62 |" in text
    assert "| tests/contract | 0 | 1 | 1 | 0 | 1 |" in text


def test_it_says_when_and_of_what():
    text = page({"lane": RECORDED})
    assert "13 minutes of tests." in text
    assert "| lane | 5 | 13 | 2026-11-22 18:14 | 431efe3c5348 |" in text


def test_what_failed_and_what_was_skipped_says_why():
    text = page({"lane": RECORDED})
    assert "| `tests/contract/test_store::test_it_keeps` | `assert 1 == 2 and more` |" in text
    assert "| `tests/contract/test_store::test_it_opens` | `failed on setup` |" in text
    assert "| `tests/integration/lab/test_lab::test_a_host_answers` | `no lab here` |" in text
    assert "## Skipped" not in page({"lane": GREEN})


def test_the_slowest_come_first_and_no_name_breaks_the_table():
    slowest = page({"lane": RECORDED}).partition("## Slowest")[2]
    assert slowest.index("test_a_host_answers") < slowest.index("test_it_keeps")
    assert "test_table[a\\|b]" in slowest


def test_the_parts_of_a_result_are_counted_together():
    text = page({"lane": GREEN, "more": RECORDED})
    assert "**Not all is well**: 3 passed, 1 failed, 1 error, 1 skipped, 14 minutes" in text
