"""X2, X3: Ctrl-C, once or twice, at any step, and the other signals that mean the same."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from builders.host_snapshot import Snapshot
from builders.remains import guarded_remains, remaining_objects, wait_until_nothing
from builders.rig import Lab, Rig, going_on, run, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.lab]

#: What is promised is 30 seconds.
END_SECONDS = 90
#: Signals that come closer together than this are one.
SAME_SECONDS = 1
MUTE = """
[environments.mute]
title = "Mute"
kind = "customer"
engine = "docker"

[[environments.mute.hosts]]
name = "mute"
connection = "ssh"
address = "127.0.0.1"
port = {port}
user = "deploy"
identity_file = "{identity}"
known_hosts = "{known_hosts}"
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
@pytest.mark.usefixtures("whole_seconds")
def test_one_signal_ends_the_cells_cleans_up_and_reports(
    rig: Rig, before: dict[str, Snapshot], number: signal.Signals, code: int
):
    rig.make_probes_take(seconds=60)
    with going_on(rig.start("run")) as runner:
        runner.wait_until_measuring("web@prod")
        runner.signal(number)
        assert runner.wait(seconds=END_SECONDS) == code, runner.text
    assert remaining_objects(rig, before) == []
    wait_until_nothing(lambda: guarded_remains(rig, before), seconds=END_SECONDS)
    assert "cancelled" in runner.text
    assert (rig.folder / "reports/report.html").exists()
    assert not [row for row in rig.cells() if row[1] == "web"]
    web = [cell for cell in rig.grid() if cell["service"] == "web"]
    assert {(cell["verdict"], cell["reason"]) for cell in web} == {("MISSING", "cancelled")}
    assert rig.query("select state from runs") == [("interrupted",)]


@pytest.mark.usefixtures("whole_seconds")
def test_a_second_ctrl_c_says_what_may_be_left_and_the_hosts_clean_up_by_themselves(
    lab: Lab, rig: Rig, before: dict[str, Snapshot]
):
    rig.make_probes_take(seconds=60)
    with going_on(rig.start("run")) as runner:
        runner.wait_until_measuring("web@prod")
        # An engine that does not answer keeps the runner from having cleaned up in between.
        with stopped_engine(lab.host("prod")):
            runner.signal(signal.SIGINT)
            runner.wait_for("again to end at once")
            time.sleep(SAME_SECONDS)
            runner.signal(signal.SIGINT)
            code = runner.wait(seconds=END_SECONDS)
    assert code == 5, runner.text
    assert f"may be left on {lab.host('prod')}: container mx-" in runner.text
    taken = wait_until_nothing(lambda: guarded_remains(rig, before), seconds=END_SECONDS)
    print(f"clean after {taken:.1f} s")
    assert "nothing of ours is left" in rig.matrix("sweep", "--keep-images").stderr


def test_ctrl_c_while_an_image_is_built_ends_soon(rig: Rig):
    dockerfile = rig.folder / "images/web/Dockerfile"
    dockerfile.write_text(f'{dockerfile.read_text()}RUN ["/bin/busybox", "sleep", "120"]\n')
    with going_on(rig.start("run")) as runner:
        runner.wait_for('"sleep", "120"')
        runner.signal(signal.SIGINT)
        assert runner.wait(seconds=END_SECONDS) == 130, runner.text
    assert "Traceback" not in runner.text


def test_ctrl_c_while_probes_are_collected_ends_soon(rig: Rig):
    probes = rig.folder / "probes/web/test_web.py"
    probes.write_text(f"import time\ntime.sleep(120)\n{probes.read_text()}")
    with going_on(rig.start("run")) as runner:
        wait_until(lambda: list(rig.temporary.glob("mx-probing-*/job-*")), seconds=300)
        runner.signal(signal.SIGINT)
        assert runner.wait(seconds=END_SECONDS) == 130, runner.text
    assert "Traceback" not in runner.text


def test_ctrl_c_while_a_host_does_not_answer_ends_soon(lab: Lab, rig: Rig):
    keys = lab.root / ".matrix/lab"
    key = " ".join((keys / "known_hosts").read_text().split()[1:3])
    known = rig.folder / "known_hosts"
    with mute_listener() as port:
        known.write_text(f"[127.0.0.1]:{port} {key}\n")
        identity = keys / "keys" / lab.host("prod")
        with (rig.folder / "inventory.toml").open("a") as inventory:
            inventory.write(MUTE.format(port=port, identity=identity, known_hosts=known))
        with going_on(rig.start("run", "-e", "mute")) as runner:
            runner.wait_for("mute: connecting")
            # By now it waits for the first word of a host that has none.
            time.sleep(SAME_SECONDS)
            runner.signal(signal.SIGINT)
            assert runner.wait(seconds=END_SECONDS) == 130, runner.text
    assert "Traceback" not in runner.text
    assert "ERROR" not in runner.text


@contextmanager
def stopped_engine(host: str) -> Iterator[None]:
    """The engine of a host takes what it is asked and answers nothing meanwhile."""
    inside = ("docker", "exec", f"compat-lab-{host}", "pkill")
    run(*inside, "-STOP", "-x", "dockerd")
    try:
        yield
    finally:
        run(*inside, "-CONT", "-x", "dockerd")


@contextmanager
def mute_listener() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    taken = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def take() -> None:
            while True:
                try:
                    taken.append(listener.accept())
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        for client, _ in taken:
            client.close()
