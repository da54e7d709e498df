"""Oscar believes the health that an engine shows, so what finds it out must really be run."""

import time

import pytest

#: Engines count in billionths of a second.
SECOND = 1_000_000_000
#: Where an image does not say how often.
USUAL_INTERVAL_SECONDS = 30
LONGEST_WAIT_SECONDS = 120


def results(container):
    """What the health check has said so far; Docker and Podman have their own words for it."""
    state = container.inspect()["State"]
    health = state.get("Health") or state.get("Healthcheck") or {}
    return health.get("Log") or []


@pytest.mark.timeout(150)
def test_a_declared_health_check_is_carried_out(container):
    """A health check, where the image declares one, is carried out by the engine"""
    declared = container.inspect()["Config"].get("Healthcheck") or {}
    if not [word for word in declared.get("Test") or () if word != "NONE"]:
        return
    interval = (declared.get("Interval") or 0) / SECOND or USUAL_INTERVAL_SECONDS
    until = time.monotonic() + min(interval + 5, LONGEST_WAIT_SECONDS)
    while not (said := results(container)) and time.monotonic() < until:
        time.sleep(0.5)
    assert said, (
        f"the image declares a health check every {interval:.0f} s, and after that time it has not"
        " been carried out once: what this engine shows as health is not known to anybody"
    )
