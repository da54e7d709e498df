"""For every test: property tests without a deadline, since machines are shared and noisy; signals
that mean what they say; and the commit in the JUnit file."""

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bench.machine import commit

# Started in the background, a program ignores these; so would every program a test starts, and a
# shell cannot even ask to be told of them then.
for number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared-machine")


@pytest.fixture(scope="session", autouse=True)
def _commit(record_testsuite_property):
    record_testsuite_property("commit", commit(Path(__file__).parent.parent))
