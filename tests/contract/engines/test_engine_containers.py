from contextlib import closing

import pytest
from builders.engines import PATIENCE_SECONDS, a_spec, read_all, ring

from matrix.core.errors import (
    ContainerLost,
    DeadlineExceeded,
    DeliveryFailed,
    NameConflict,
    NetworkFault,
    StartRefused,
    ToolMissing,
    UsageError,
)
from matrix.core.model import Port
from matrix.core.ports import STDERR, STDOUT

pytestmark = pytest.mark.engine


def ask(engine, container, command, **options):
    return read_all(engine.open_exec(container, ["sh", "-c", command], **options)).decode()


def test_a_container_runs_the_image_that_was_asked_for(engine, running, image):
    state = engine.inspect_container(running())
    assert (state.image_id, state.running, state.paused, state.restarting) == (
        image,
        True,
        False,
        False,
    )
    assert state.started_at > "2020"


def test_there_is_no_container_of_an_unknown_name(engine):
    assert engine.inspect_container("mx-test-nonesuch") is None


def test_a_create_whose_answer_was_lost_is_found_again_by_its_name(
    engine, image, network, labels, create
):
    first = create(name=f"{network}-twice")
    assert create(name=f"{network}-twice") == first
    assert engine.create_network(network, labels=labels) == engine.create_network(
        network, labels=labels
    )


def test_a_name_taken_by_others_is_a_conflict_and_theirs_is_left_alone(
    engine, network, labels, create
):
    theirs = create(name=f"{network}-taken")
    other = {**labels, "io.compat-matrix.run": "another"}
    with pytest.raises(NameConflict, match=f"{network}-taken is taken by a container"):
        create(name=f"{network}-taken", labels=other)
    with pytest.raises(NameConflict, match=f"{network} is taken by a network"):
        engine.create_network(network, labels=other)
    assert engine.inspect_container(theirs) is not None


def test_an_image_that_is_not_there_is_a_failed_delivery(create):
    with pytest.raises(DeliveryFailed):
        create(image_id="sha256:" + "0" * 64)


def test_a_network_that_is_not_there_is_a_network_fault(engine, create):
    with pytest.raises(NetworkFault):
        engine.control(create(network="mx-test-nonesuch"), "start")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"command": ("/nope",)}, id="program absent"),
        pytest.param({"command": ("nope",)}, id="program not in PATH"),
        pytest.param({"command": ("/bin",)}, id="no program"),
        pytest.param({"user": "nouser"}, id="user absent"),
        pytest.param({"capabilities": ("NOPE",)}, id="capability unknown"),
        pytest.param({"tmpfs": {"/t": "nosuchoption"}}, id="tmpfs option unknown"),
    ],
)
def test_what_a_service_declares_wrongly_is_its_own_failure(running, settings):
    with pytest.raises(StartRefused):
        running(**settings)


def test_a_container_has_nothing_that_the_profile_does_not_give_it(place, engine, running):
    container = running(user="0:0")
    status = ask(engine, container, "while read l; do echo $l; done < /proc/self/status")
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd"):
        assert int(lines[capabilities], 16) == 0
    assert int(lines["NoNewPrivs"]) == place.no_new_privileges
    assert place.no_new_privileges or "forbid" in "".join(engine.describe().deviations)
    assert int(lines["Seccomp"]) == 2
    assert "Read-only file system" in ask(engine, container, "echo x > /file")


def test_a_container_has_what_its_service_declares(engine, running):
    container = running(
        user="0:0",
        capabilities=("NET_RAW",),
        tmpfs={"/scratch": "size=1m"},
        environment={"A": "b c"},
        nonce="n0nce",
        read_only=False,
        volumes=("/data",),
    )
    mounts = ask(engine, container, "while read l; do echo $l; done < /proc/mounts")
    assert "tmpfs /scratch tmpfs" in mounts
    assert " /data " in mounts
    assert ask(engine, container, 'echo "$A $MATRIX_NONCE"') == "b c n0nce\n"
    assert ask(engine, container, "echo x > /tmp/file && cat /tmp/file") == "x\n"
    status = ask(engine, container, "while read l; do echo $l; done < /proc/self/status")
    assert "CapEff: 0000000000002000" in status


def test_limits_and_restart_policy_are_what_the_engine_was_told(engine, running):
    host = engine.inspect_container(running(memory_bytes=64 * 1024 * 1024, pids=17)).raw[
        "HostConfig"
    ]
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (
        64 * 1024 * 1024,
        64 * 1024 * 1024,
        17,
    )
    assert host["RestartPolicy"]["Name"] in {"no", ""}
    assert host["Privileged"] is False


def test_ports_are_published_on_127_0_0_1_only_and_chosen_by_the_engine(place, engine, running):
    container = running(ports=(Port(name="a", container=80), Port(name="b", container=81)))
    published = engine.inspect_container(container).published
    assert set(published) == {80, 81}
    assert {address for address, _ in published.values()} == {place.address}
    declared = "every address" in "".join(engine.describe().deviations)
    assert declared is (place.address != "127.0.0.1")
    assert all(port > 1023 for _, port in published.values())


def test_containers_find_each_other_by_alias_on_their_network(engine, running):
    running(aliases=("queue", "queue-1"))
    container = running(aliases=("api",))
    for name in ("queue", "queue-1", "api"):
        said = ask(engine, container, f"/bin/busybox nslookup {name} 2>&1")
        assert "Name:" in said, said


def test_a_container_is_stopped_started_paused_and_killed(engine, running):
    container = running()
    first = engine.inspect_container(container).started_at
    engine.control(container, "pause")
    assert engine.inspect_container(container).paused
    engine.control(container, "unpause")
    engine.control(container, "stop", seconds=5)
    stopped = engine.inspect_container(container)
    assert (stopped.running, stopped.exit_code) == (False, 0)
    engine.control(container, "start")
    second = engine.inspect_container(container).started_at
    engine.control(container, "restart", seconds=5)
    third = engine.inspect_container(container).started_at
    assert len({first, second, third}) == 3
    engine.control(container, "kill")
    assert engine.inspect_container(container).exit_code == 137


def test_a_verb_on_a_container_that_is_gone_is_a_lost_container(engine):
    for verb in ("start", "stop", "kill", "pause"):
        with pytest.raises(ContainerLost):
            engine.control("mx-test-nonesuch", verb)


def test_an_unknown_verb_is_refused(engine):
    with pytest.raises(UsageError, match="known: start, stop"):
        engine.control("x", "export")


def test_both_outputs_of_a_command_come_apart(engine, running):
    stream = engine.open_exec(running(), ["sh", "-c", "echo out; sleep 0.1; echo err >&2"])
    chunks = {}
    while chunk := stream.receive(deadline_seconds=PATIENCE_SECONDS):
        chunks[chunk.source] = chunks.get(chunk.source, b"") + chunk.data
    assert chunks == {STDOUT: b"out\n", STDERR: b"err\n"}
    assert stream.receive(deadline_seconds=1) is None


def test_a_shell_answers_as_long_as_it_is_kept_open(engine, running):
    stream = engine.open_exec(running(), ["sh"])
    for number in range(3):
        stream.send(f"echo {number}\n".encode())
        assert stream.receive(deadline_seconds=PATIENCE_SECONDS).data == f"{number}\n".encode()
    with pytest.raises(DeadlineExceeded):
        stream.receive(deadline_seconds=0.05)
    stream.send(b"echo still; exit\n")
    assert read_all(stream) == b"still\n"
    stream.close()
    stream.close()


def test_many_bytes_come_through_whole(engine, running):
    script = "i=0; while [ $i -lt 20000 ]; do echo 0123456789012345678901234567890123456789; "
    output = ask(engine, running(), script + "i=$((i+1)); done")
    assert output == "0123456789012345678901234567890123456789\n" * 20000


def test_a_command_runs_as_the_user_that_is_asked_for(engine, running):
    status = "while read l; do echo $l; done < /proc/self/status"
    assert "Uid: 12 12 12 12" in ask(engine, running(), status, user="12:13")


def test_a_command_that_the_container_does_not_have_is_a_missing_tool(engine, running):
    with pytest.raises(ToolMissing, match="/nope"):
        read_all(engine.open_exec(running(), ["/nope"]))


def test_a_command_that_ends_with_127_by_itself_is_no_missing_tool(engine, running):
    assert read_all(engine.open_exec(running(), ["sh", "-c", "exit 127"])) == b""


@pytest.mark.parametrize("verb", ["kill", "stop"])
def test_a_container_that_ends_under_a_command_is_lost_not_the_end_of_output(engine, running, verb):
    container = running()
    stream = engine.open_exec(container, ["sh"])
    stream.send(b"echo ready\n")
    assert stream.receive(deadline_seconds=PATIENCE_SECONDS).data == b"ready\n"
    engine.control(container, verb, seconds=2)
    with pytest.raises(ContainerLost):
        read_all(stream)
    with pytest.raises(ContainerLost):
        stream.receive(deadline_seconds=1)


def test_a_container_that_vanishes_under_a_command_is_lost(engine, running):
    container = running()
    stream = engine.open_exec(container, ["sh"])
    engine.remove_object("container", container)
    with pytest.raises(ContainerLost):
        read_all(stream)


def test_a_container_paused_under_a_command_is_silent_and_says_so(engine, running):
    container = running()
    with closing(engine.open_exec(container, ["sh"])) as stream:
        stream.send(b"echo ready\n")
        assert stream.receive(deadline_seconds=PATIENCE_SECONDS).data == b"ready\n"
        engine.control(container, "pause")
        stream.send(b"echo never\n")
        with pytest.raises(DeadlineExceeded):
            stream.receive(deadline_seconds=0.3)
    assert engine.inspect_container(container).paused
    with pytest.raises(ContainerLost):
        engine.open_exec(container, ["sh"])
    engine.control(container, "unpause")


def test_no_command_starts_in_a_container_that_does_not_run(engine, create):
    for container in (create(), "mx-test-nonesuch"):
        with pytest.raises(ContainerLost):
            engine.open_exec(container, ["sh"])


def test_attaching_shows_what_the_main_process_says_from_now_on(engine, create):
    waits = "until [ -e /bell/rung ]; do sleep 0.05; done"
    script = f"echo before; {waits}; echo out; sleep 0.1; echo err >&2; sleep 0.2"
    container = create(command=("sh", "-c", script), tmpfs={"/bell": "size=1m"})
    engine.control(container, "start")
    stream = engine.attach(container)
    ring(engine, container, "/bell/rung")
    data = read_all(stream)
    # Each output comes by a way of its own.
    assert sorted(data.removeprefix(b"before\n").split()) == [b"err", b"out"]


def test_attaching_needs_a_process_and_changes_nothing(engine, running, create):
    container = running()
    engine.control(container, "kill")
    for one in (container, create(), "mx-test-nonesuch"):
        with pytest.raises(ContainerLost):
            engine.attach(one)
    assert engine.inspect_container(container).exit_code == 137


def test_attaching_to_what_vanishes_is_a_lost_container(engine, running):
    container = running()
    stream = engine.attach(container)
    engine.remove_object("container", container)
    with pytest.raises(ContainerLost):
        read_all(stream)


def test_the_profile_is_the_only_way_to_make_a_container(engine, image, network, labels):
    spec = a_spec(image, network, labels=labels)
    assert not hasattr(spec, "privileged")
    assert "HostConfig" not in type(engine).create_container.__annotations__
