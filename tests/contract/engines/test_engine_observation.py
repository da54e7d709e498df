import time

import pytest
from builders.engines import PATIENCE_SECONDS, ring

from matrix.core.errors import ContainerLost, FileUnavailable, OutputTruncated

pytestmark = pytest.mark.engine

GONE = "mx-test-nonesuch"


def wait_until(true):
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def wait_until_exited(engine, container):
    wait_until(lambda: not engine.inspect_container(container).running)


def ended(engine, create, script, **settings):
    container = create(command=("sh", "-c", script), **settings)
    engine.control(container, "start")
    wait_until_exited(engine, container)
    return container


def log(engine, container):
    return engine.logs(container, tail=10, cap_bytes=1000)


def test_the_log_has_both_outputs_in_order(engine, create):
    waits = "until [ -e /bell/{} ]; do sleep 0.05; done"
    script = f"echo 1; {waits.format(1)}; echo 2 >&2; {waits.format(2)}; echo 3"
    container = create(command=("sh", "-c", script), tmpfs={"/bell": "size=1m"})
    engine.control(container, "start")
    for number in (1, 2):
        # The engine takes what was said by either way in an order of its own.
        wait_until(lambda last=b"%d\n" % number: last in log(engine, container))
        ring(engine, container, f"/bell/{number}")
    wait_until_exited(engine, container)
    assert log(engine, container) == b"1\n2\n3\n"


def test_the_log_goes_on_where_a_container_was_started_again(engine, create):
    container = ended(engine, create, "echo $((i=1)); echo said")
    engine.control(container, "start")
    wait_until_exited(engine, container)
    assert engine.logs(container, tail=10, cap_bytes=1000) == b"1\nsaid\n1\nsaid\n"
    assert engine.logs(container, tail=3, cap_bytes=1000) == b"said\n1\nsaid\n"


def test_of_a_long_log_the_end_is_kept(engine, create):
    container = ended(engine, create, "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); done")
    assert engine.logs(container, tail=2, cap_bytes=1000) == b"298\n299\n"
    assert engine.logs(container, tail=100, cap_bytes=7) == b"98\n299\n"


def test_a_log_flood_stays_below_its_cap_on_the_host(engine, create):
    """H2, small: the engine is told a cap, and answers with no more than we asked for."""
    line = "x" * 1000
    container = ended(
        engine, create, f"i=0; while [ $i -lt 500 ]; do echo {line}; i=$((i+1)); done"
    )
    assert len(engine.logs(container, tail=100_000, cap_bytes=4096)) == 4096
    log = engine.inspect_container(container).raw["HostConfig"]["LogConfig"]
    assert log["Type"] == "json-file"
    assert (log["Config"] or {"max-size": "5m"})["max-size"] == "5m"


def test_one_regular_file_is_copied_out(engine, running):
    assert engine.copy_out(running(), "/bin/busybox", cap_bytes=4 << 20)[:4] == b"\x7fELF"


@pytest.mark.parametrize(
    ("path", "words"),
    [("/nope", "/nope"), ("/bin", "directory"), ("/bin/sh", "is a link to")],
)
def test_what_is_no_regular_file_is_not_copied(engine, running, path, words):
    with pytest.raises(FileUnavailable, match=words):
        engine.copy_out(running(), path, cap_bytes=4 << 20)


def test_a_file_above_the_cap_is_not_copied(engine, running):
    with pytest.raises(OutputTruncated):
        engine.copy_out(running(), "/bin/busybox", cap_bytes=1000)


def test_counters_are_read_once_and_at_once(engine, running):
    read = engine.stats(running())
    assert set(read) == {
        "memory_bytes",
        "memory_limit_bytes",
        "pids",
        "cpu_seconds",
        "network_received_bytes",
        "network_sent_bytes",
    }
    assert 0 < read["memory_bytes"] < read["memory_limit_bytes"] == 32 * 1024 * 1024
    assert 1 <= read["pids"] <= 32
    assert read["cpu_seconds"] > 0
    assert read["network_sent_bytes"] >= 0


def test_a_container_that_does_not_run_has_no_counters(engine, create):
    assert engine.stats(create())["memory_bytes"] in {None, 0}


def test_a_container_that_is_gone_cannot_be_looked_at(engine):
    for look in (
        lambda: engine.logs(GONE, tail=1, cap_bytes=10),
        lambda: engine.stats(GONE),
        lambda: engine.copy_out(GONE, "/x", cap_bytes=10),
        lambda: engine.attach(GONE),
    ):
        with pytest.raises(ContainerLost):
            look()


def test_the_exit_of_a_container_is_told(engine, create):
    state = engine.inspect_container(ended(engine, create, "exit 3"))
    assert (state.running, state.exit_code, state.oom_killed) == (False, 3, False)
