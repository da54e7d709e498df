"""Oscar watches what containers use, and counts on limits being limits."""

import time

import pytest

MEBIBYTE = 1024 * 1024
#: For so long one reading is as good as another.
RECENT_SECONDS = 5


class Counters:
    """The engine's counters of the container: old engines answer only once a second."""

    def __init__(self, container):
        self._container = container
        self._reading, self._read_at = None, 0.0

    def fresh(self):
        """What they say now."""
        self._reading = self._container.stats()
        self._read_at = time.monotonic()
        return self._reading

    def recent(self):
        """What they said last, if that was just now."""
        since = time.monotonic() - self._read_at
        return self._reading if self._reading and since < RECENT_SECONDS else self.fresh()


@pytest.fixture(scope="module")
def counters(container):
    return Counters(container)


def test_traffic_is_counted(counters):
    """Bytes received and sent on the network are counted"""
    stats = counters.recent()
    assert stats.get("network_received_bytes") is not None
    assert stats.get("network_sent_bytes") is not None


@pytest.mark.requires(**{"engine.cpu_limit": True})
def test_processor_time_is_counted(container, counters):
    """Processor time is counted, and what works uses it"""
    before = counters.recent()["cpu_seconds"]
    container.exec("n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done")
    assert counters.fresh()["cpu_seconds"] > before


@pytest.mark.requires(**{"engine.memory_limit": True})
def test_memory_use_is_reported(counters, service):
    """Memory in use is reported, with the limit that was asked for"""
    stats = counters.recent()
    assert stats["memory_limit_bytes"] == service.memory_bytes
    assert 0 < stats["memory_bytes"] <= service.memory_bytes


@pytest.mark.timeout(60)
def test_memory_limit_is_enforced(container, service):
    """Memory limit is enforced: who takes more than the limit is stopped"""
    wanted = 2 * service.memory_bytes
    # tail keeps everything it reads until a line ends, and here none does. When there is no more,
    # the kernel is to choose it and not the service: 1000 is the most eligible (proc(5)).
    result = container.exec(
        "sh -c 'echo 1000 > /proc/self/oom_score_adj;"
        f" head -c {wanted} /dev/zero | tail -n 1 > /dev/null; echo $?'"
    )
    assert result.stdout.strip() not in ("126", "127"), f"no tail: {result.stderr}"
    assert result.stdout.strip() != "0", (
        f"the limit is {service.memory_bytes // MEBIBYTE} MiB, and a process in the container "
        f"held {wanted // MEBIBYTE} MiB: this engine accepts the limit and nothing enforces it"
    )


@pytest.mark.timeout(90)
def test_pids_limit_is_enforced(container, service):
    """Process limit is enforced: who starts more than the limit is stopped"""
    wanted = service.pids + 8
    # They end with the shell that started them, which also waits for them: the service's main
    # process may not be one that buries the dead.
    result = container.exec(
        'sh -c \'trap "kill \\$all; wait" EXIT; n=0;'
        f" while [ $n -lt {wanted} ]; do"
        ' sleep 60 > /dev/null 2>&1 & all="$all $!"; n=$((n + 1)); echo $n; done\''
    )
    started = len(result.stdout.split())
    assert started > 0, f"not one process could be started: {result.stderr}"
    assert started < wanted, (
        f"the limit is {service.pids} processes, and {started} could be started in the container: "
        "this engine accepts the limit and nothing enforces it"
    )
