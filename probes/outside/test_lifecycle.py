"""Oscar handles every container the same way: stop, start, restart, pause, copy."""

import secrets

import pytest

KILLED = 137
#: What a start may take at least, and one with something to put in order; more where the service
#: says that its start takes longer.
START_SECONDS = 60
RECOVERY_SECONDS = 150


@pytest.mark.timeout(330)
def test_stops_when_asked_and_starts_again(container, service):
    """It stops by itself within its grace, and is ready again after a start"""
    try:
        container.stop()
        state = container.state
        assert not state.running
        assert state.exit_code != KILLED, (
            f"it had to be killed after {service.stop_grace_seconds:.0f} s"
        )
    finally:
        container.start()
    container.wait_until_ready(max(START_SECONDS, service.ready_seconds))


@pytest.mark.timeout(330)
def test_restart_keeps_data(container, service):
    """A restart keeps what is in its volumes, and nothing runs twice"""
    mark = secrets.token_hex(8)
    places = [f"{path}/restart-probe" for path in service.volumes]
    for place in places:
        written = container.exec(f"echo {mark} > {place}")
        assert written.rc == 0, written.stderr
    before = container.state.started_at
    container.restart()
    container.wait_until_ready(max(START_SECONDS, service.ready_seconds))
    assert container.state.started_at != before
    for place in places:
        kept = container.exec(f"cat {place}; rm -f {place}")
        assert kept.stdout.strip() == mark, f"{place} is not what it was"


# A swarm makes a new container of one that was killed, with a log of its own.
@pytest.mark.engines("docker", "podman")
@pytest.mark.timeout(330)
def test_all_is_as_before_after_a_power_cut(container, service, answering):
    """Killed and started again, it has its data, its log and its ports, and takes commands"""
    mark = secrets.token_hex(8)
    places = [f"{path}/power-cut-probe" for path in service.volumes]
    for place in places:
        written = container.exec(f"echo {mark} > {place} && sync {place}")
        assert written.rc == 0, written.stderr
    logged = container.logs(tail=5)
    before = container.state.started_at
    container.kill()
    container.start()
    container.wait_until_ready(max(RECOVERY_SECONDS, service.ready_seconds))
    assert container.state.started_at != before
    for place in places:
        kept = container.exec(f"cat {place}; rm -f {place}")
        assert kept.stdout.strip() == mark, f"{place} is not what it was"
    assert container.logs(tail=5000).find(logged) >= 0, "what was in the log before is not there"
    places = {name: container.address(name) for name in service.ports}
    silent = {*places.values()} - answering(places.values())
    for name, (address, port) in places.items():
        assert (address, port) not in silent, f"{name} does not answer on {address}:{port}"


@pytest.mark.requires(**{"engine.pause": True})
def test_pauses_and_goes_on(container):
    """It can be frozen, and goes on as if nothing had been"""
    before = container.state.started_at
    container.pause()
    try:
        assert container.state.paused
    finally:
        container.unpause()
    container.wait_until_ready()
    state = container.state
    assert state.running
    assert not state.paused
    assert state.started_at == before


def test_file_can_be_copied_out(container):
    """A file copied out of the container is the file that is in it"""
    inside = container.exec("cat /etc/passwd")
    assert inside.rc == 0
    assert container.copy_out("/etc/passwd").decode() == inside.stdout
