"""Oscar reads logs: what the service writes must reach the engine, and never fill its disk."""

import secrets
import time


def test_output_reaches_the_log(container):
    """What the main process's output carries is in the engine's log"""
    line = f"log probe {secrets.token_hex(8)}"
    written = container.exec(f"echo {line} > /proc/1/fd/1")
    assert written.rc == 0, f"the main process's output cannot be written to: {written.stderr}"
    # The engine reads the pipe in its own time.
    until = time.monotonic() + 3
    while line not in (log := container.logs(tail=50)) and time.monotonic() < until:
        time.sleep(0.1)
    assert line in log


def test_errors_reach_the_log(container):
    """What the main process's error output carries is in the engine's log"""
    line = f"log probe {secrets.token_hex(8)}"
    written = container.exec(f"echo {line} > /proc/1/fd/2")
    assert written.rc == 0, f"the main process's errors cannot be written to: {written.stderr}"
    until = time.monotonic() + 3
    while line not in (log := container.logs(tail=50)) and time.monotonic() < until:
        time.sleep(0.1)
    assert line in log


def test_log_size_is_bounded(container):
    """The log cannot grow without end on the host"""
    log = container.inspect()["HostConfig"]["LogConfig"]
    sizes = [log.get("Size"), (log.get("Config") or {}).get("max-size")]
    assert any(sizes), f"a log of type {log['Type']} without a largest size"
