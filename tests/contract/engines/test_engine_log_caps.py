"""The cap of a container's log can be seen, whatever an engine's own words for it are."""

import pytest

pytestmark = pytest.mark.engine


def test_how_long_a_log_may_grow_can_be_seen(engine, running):
    log = engine.inspect_container(running()).raw["HostConfig"]["LogConfig"]
    cap = log.get("Size") or (log.get("Config") or {}).get("max-size")
    assert str(cap).upper().removesuffix("B") == "5M"
