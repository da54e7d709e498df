"""What probes need to be collected anywhere, and to be run by hand.

``pytest --hosts=docker://NAME probes/queue`` runs the inside probes on a container that somebody
started; those that need the machine or the engine are skipped there, since only ``matrix run``
can give them. Under ``matrix run`` this file adds the markers and ``eventually``.
"""

import time

import pytest

MARKERS = (
    "requires(**facts): facts of the environment without which the probe says nothing",
    "engines(*names): the probe is planned only where one of them runs the containers",
    "warn: a failure is a warning",
    "timeout(seconds): seconds the probe may take, 30 without it",
)


class ByHand:
    """Stand in for what only the runner has."""

    @pytest.fixture
    def outside(self):
        pytest.skip("needs the machine: use `matrix run`")

    @pytest.fixture
    def container(self):
        pytest.skip("needs the engine: use `matrix run`")

    @pytest.fixture
    def service(self):
        pytest.skip("needs the catalogue: use `matrix run`")

    @pytest.fixture
    def environment(self):
        pytest.skip("needs the inventory: use `matrix run`")


def pytest_configure(config):
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    # testinfra's own plugin is there only when somebody runs pytest by hand.
    if config.pluginmanager.hasplugin("pytest11.testinfra") and not config.pluginmanager.hasplugin(
        "by-hand"
    ):
        config.pluginmanager.register(ByHand(), "by-hand")


@pytest.fixture(scope="session")
def eventually():
    """Ask again until the answer is true, and give the last one: for what takes a moment."""

    def ask(question, seconds=10):
        until = time.monotonic() + seconds
        while not (answer := question()) and time.monotonic() < until:
            time.sleep(0.2)
        return answer

    return ask
