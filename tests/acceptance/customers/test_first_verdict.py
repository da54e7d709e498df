"""How soon a kit says something, on a machine whose engine runs already."""

import time

import pytest
from builders.customers import Customer, Sender

pytestmark = [pytest.mark.engine, pytest.mark.full]

#: What was promised, and how often that a noisy machine may take.
FIRST_VERDICT_SECONDS, TIMES = 20.0, 3


def test_the_first_verdict_is_there_soon(sender: Sender, customer: Customer):
    began = time.monotonic()
    done = customer.run("sh", sender.kit, "preflight", "--yes")
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    probe, cell = "  tiny@acme 3/", "[1/1] ✓ tiny@acme: PASSED"
    assert probe in done.stderr.partition(cell)[0], "a verdict of a probe comes first"
    assert cell in done.stderr
    assert seconds < FIRST_VERDICT_SECONDS * TIMES


def test_requirements_are_checked_in_seconds(sender: Sender, customer: Customer):
    began = time.monotonic()
    done = customer.run("sh", sender.kit, "preflight", "--facts-only")
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    assert "tiny: this machine has what it asks" in done.stdout
    assert seconds < FIRST_VERDICT_SECONDS / 2 * TIMES
