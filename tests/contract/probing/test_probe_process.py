"""A probe's process that crashes, hangs, lies or is killed takes only its own cell with it."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from builders.stopwatch import Stopwatch

from matrix.core import errors
from matrix.core.result import Ending
from matrix.core.verdict import Verdict
from matrix.probing import session
from matrix.probing.prober import PytestProber

CRASHES = {
    "os._exit": "os._exit(0)",
    "sys.exit": "sys.exit(0)",
    "pytest.exit": "pytest.exit('enough', returncode=0)",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "SIGKILL": "os.kill(os.getpid(), 9)",
    "SIGTERM": "os.kill(os.getpid(), 15)",
    "SIGINT": "os.kill(os.getpid(), 2); time.sleep(1)",
    "segmentation fault": "import ctypes; ctypes.string_at(0)",
    "exit in a fixture": "request.getfixturevalue('leave')",
}
#: What ends by itself takes no longer than this, on a machine that now and then stands still.
PATIENCE_SECONDS = 90.0
#: Finds the pipe to the runner and speaks in the place of our code.
HIJACK = """
import socket, struct, json
def pipe():
    for fd in range(3, 50):
        try: return socket.socket(fileno=os.dup(fd))
        except OSError: pass
def say(**message):
    body = json.dumps(message).encode()
    pipe().sendall(struct.pack('>I', len(body)) + body)
"""


def wait_until(true) -> None:
    """Ask again and again until *true* holds."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def wait_until_gone(*pids: int | str) -> None:
    """Wait until none of these processes is there any more."""
    wait_until(lambda: not [pid for pid in pids if os.path.exists(f"/proc/{pid}")])


@pytest.mark.parametrize("name", CRASHES)
def test_a_probe_that_ends_its_process_is_an_error_and_the_others_are_absent(bench, name):
    bench.write(
        f"""
        @pytest.fixture
        def leave(): sys.exit(0)
        def test_a(): pass
        def test_b(request): {CRASHES[name]}
        def test_c(): pass
        """
    )
    report = bench.run()
    assert [(result.id[-1], result.verdict.value, result.reason) for result in report.results] == [
        ("a", "PASSED", ""),
        ("b", "ERROR", "probe-crash"),
    ]
    assert report.ending is Ending.CRASHED
    assert bench.observed == list(report.results)
    assert report.results[1].message


def test_the_probe_that_crashed_is_named_when_nothing_was_reported(bench):
    report = bench.run("def test_a(): os._exit(0)\ndef test_b(): pass")
    assert report.running == "queue/test_it.py::test_a"


@pytest.mark.parametrize(
    "body", ["while True: pass", "time.sleep(100)", "os.kill(os.getpid(), 19)"]
)
def test_a_probe_that_hangs_is_killed_at_its_timeout(bench, body):
    bench.write(f"@pytest.mark.timeout(0.5)\ndef test_a():\n  {body}\ndef test_b(): pass")
    planned = bench.collect()
    with Stopwatch() as took:
        report = bench.run(planned=planned)
    assert took.seconds < 3 * 1.5
    (result,) = report.results
    assert (result.verdict, result.reason) == (Verdict.ERROR, "deadline")
    assert (report.ending, report.running) == (Ending.DEADLINE, result.id)


def test_the_requests_deadline_ends_a_probe_too(bench):
    bench.write("def test_a(): time.sleep(100)")
    planned = bench.collect()
    with Stopwatch() as took:
        report = bench.run(planned=planned, deadline_seconds=1.5)
    assert took.seconds < 3 * 2.5
    # Of a machine that stood still meanwhile the probe never got to run, and the cell bears it.
    assert [one.reason for one in report.results or report.faults] == ["deadline"]
    assert report.ending is Ending.DEADLINE


def test_a_hang_while_loading_ends_at_the_deadline(bench):
    bench.write("def test_a(): pass")
    planned = bench.collect()
    report = bench.run("time.sleep(100)\ndef test_a(): pass", planned=planned, deadline_seconds=0.3)
    assert report.results == ()
    assert [fault.reason for fault in report.faults] == ["deadline"]
    assert report.ending is Ending.DEADLINE


def test_a_command_gets_what_is_left_of_the_probes_time(bench, monkeypatch):
    def slow(deadline_seconds):
        time.sleep(deadline_seconds)
        raise errors.DeadlineExceeded("nothing came")

    # The probe is given the time to say so on a machine that stands still, too.
    monkeypatch.setattr(session, "GRACE_SECONDS", PATIENCE_SECONDS)
    bench.access.commands["slow"] = slow
    report = bench.run(
        "@pytest.mark.timeout(2)\ndef test_a(host): host.run('slow')\ndef test_b(): pass"
    )
    first, second = report.results
    assert (first.verdict, first.reason) == (Verdict.ERROR, "deadline")
    assert second.verdict is Verdict.PASSED
    assert report.ending is Ending.COMPLETE
    assert 0 < bench.access.asked[0][3] <= 2


def test_waiting_for_the_service_longer_than_the_probe_may_is_not_the_services_failure(bench):
    bench.access.verbs["wait_until_ready"] = errors.NotReady("not yet")
    (result,) = bench.run(
        "@pytest.mark.timeout(5)\ndef test_a(container): container.wait_until_ready(60)"
    ).results
    assert (result.verdict, result.reason) == (Verdict.ERROR, "deadline")
    assert bench.access.controlled[0][2]["seconds"] <= 5


@pytest.mark.parametrize("end", ["pass", "os._exit(0)"])
def test_what_a_probe_has_started_ends_with_it(bench, tmp_path, end):
    pids = tmp_path / "pids"
    bench.run(
        f"""
        import subprocess
        def test_a():
            child = subprocess.Popen(["sleep", "1000"])
            open({str(pids)!r}, "w").write(f"{{child.pid}} {{os.getpid()}}")
            {end}
        """
    )
    wait_until_gone(*pids.read_text().split())


def test_a_process_that_was_left_behind_does_not_hide_a_crash(bench):
    with Stopwatch() as took:
        report = bench.run(
            "def test_a():\n  if os.fork() == 0: os.setsid(); time.sleep(20)\n  os._exit(1)"
        )
    assert took.seconds < 10
    assert report.ending is Ending.CRASHED


def test_a_forked_probe_does_not_report_twice(bench):
    report = bench.run("def test_a(): os.fork()\ndef test_b(): pass")
    assert [result.verdict for result in report.results] == [Verdict.PASSED] * 2
    assert report.ending is Ending.COMPLETE


LIES = {
    "a header of 4 GiB": "pipe().sendall(b'\\xff' * 4); time.sleep(99)",
    "a message of 5 MB": "say(kind='run', side='inside', target='', command='x' * 5_000_000)",
    "not JSON": "pipe().sendall(b'\\0\\0\\0\\3abc'); time.sleep(99)",
    "not an object": "pipe().sendall(b'\\0\\0\\0\\2[]'); time.sleep(99)",
    "nesting": "pipe().sendall(b'\\0\\1\\0\\0' + b'[' * 65536); time.sleep(99)",
    "an unknown kind": "say(kind='please'); time.sleep(99)",
    "another probe's report": "say(kind='report', id='queue/test_it.py::test_b'); time.sleep(99)",
    "a probe that is not planned": "say(kind='started', id='queue/x.py::y'); time.sleep(99)",
    "a report without phases": "say(kind='report', id='queue/test_it.py::test_a'); time.sleep(99)",
    "the end": "say(kind='finished'); time.sleep(99)",
}


@pytest.mark.parametrize("name", LIES)
def test_a_process_that_breaks_the_protocol_is_ended(bench, name):
    with Stopwatch() as took:
        report = bench.run(f"{HIJACK}\ndef test_a(): {LIES[name]}\ndef test_b(): pass")
    assert took.seconds < 8
    (result,) = report.results
    assert (result.verdict, result.reason) == (Verdict.ERROR, "probe-crash")
    assert report.ending is Ending.CRASHED


def test_half_a_message_ends_at_the_deadline(bench):
    report = bench.run(
        f"{HIJACK}\n@pytest.mark.timeout(0.5)\n"
        "def test_a(): pipe().sendall(b'\\0\\0\\1\\0{'); time.sleep(99)"
    )
    assert [result.reason for result in report.results] == ["deadline"]


def test_a_process_that_does_not_read_its_answers_cannot_hold_up_the_runner(bench, result_of):
    bench.access.commands["big"] = result_of(b"x" * 3_000_000)
    report = bench.run(
        f"""{HIJACK}
@pytest.mark.timeout(5)
def test_a():
    while True: say(kind='run', side='inside', target='', command='big')
"""
    )
    assert report.results[0].verdict is Verdict.ERROR


def test_a_report_with_text_that_is_not_unicode_is_cleaned(bench):
    report = bench.run("def test_a(): print('a\\ud800b'); assert 0, '\\ud800'")
    (result,) = report.results
    assert result.verdict is Verdict.FAILED
    (result.message + result.detail + result.output).encode()


def test_a_cancelled_run_ends_at_once(bench, tmp_path):
    started = tmp_path / "started"
    bench.write(
        f"def test_a(): pass\ndef test_b(): open({str(started)!r}, 'w').close(); time.sleep(100)"
    )
    planned = bench.collect()
    looks: list[bool] = []
    took = Stopwatch()

    def cancelled() -> bool:
        # Between the first look and the second all is read that was said before the first.
        looks.extend([True] * started.exists())
        if len(looks) == 2:
            watching.enter_context(took)
        return len(looks) > 1

    with ExitStack() as watching:
        report = bench.run(planned=planned, cancelled=cancelled)
    assert took.seconds < 3 * 0.7
    assert report.ending is Ending.CANCELLED
    assert [result.id[-1] for result in report.results] == ["a"]
    assert report.running == planned[1].id
    assert report.faults == ()


def test_a_cancellation_met_by_a_command_ends_the_run_too(bench):
    bench.access.commands["true"] = errors.Cancelled()
    report = bench.run("def test_a(host):\n  try: host.run('true')\n  except BaseException: pass")
    assert (report.ending, report.results, report.faults) == (Ending.CANCELLED, (), ())


def test_an_error_of_our_own_goes_through_and_leaves_no_process(bench, tmp_path):
    pid = tmp_path / "pid"
    bench.access.commands["true"] = ZeroDivisionError()
    bench.write(
        f"def test_a(host): open({str(pid)!r}, 'w').write(str(os.getpid())); host.run('true')"
    )
    with pytest.raises(ZeroDivisionError):
        bench.run()
    wait_until_gone(pid.read_text())


def test_the_process_that_forks_may_be_killed(prober, bench, tmp_path):
    started = tmp_path / "started"
    server = prober._server

    def kill() -> None:
        while not started.exists():
            time.sleep(0.02)
        os.kill(server.pid, signal.SIGKILL)

    killing = threading.Thread(target=kill, daemon=True)
    killing.start()
    report = bench.run(f"def test_a(): open({str(started)!r}, 'w').close(); time.sleep(30)")
    killing.join()
    assert [result.reason for result in report.results] == ["probe-crash"]
    assert report.ending is Ending.CRASHED
    again = bench.run("def test_a(): pass")
    assert [result.verdict for result in again.results] == [Verdict.PASSED]


def test_nothing_is_left_on_disk_or_running_after_close(tmp_path):
    with PytestProber() as prober:
        prober.start()
        folder, pid = prober._server.folder, prober._server.pid
        assert folder.is_dir()
    assert not folder.exists()
    wait_until_gone(pid)


def test_a_runner_that_is_killed_leaves_no_process_and_no_folder(bench, tmp_path):
    file, seen = bench.write(""), tmp_path / "seen"
    bench.write(
        f"""
        import subprocess
        def test_a():
            started = subprocess.Popen(["sleep", "1000"]).pid
            with open({str(seen)!r}, "w") as file:
                file.write(f"{{os.getppid()}} {{os.getpid()}} {{started}} {{os.getcwd()}}")
            while True: pass
        """
    )
    code = (
        "import sys; from pathlib import Path; from matrix.core.ports import ProbeRequest\n"
        "from matrix.probing.prober import PytestProber\n"
        "prober = PytestProber(); folders = (Path(sys.argv[1]),)\n"
        "planned = prober.collect(folders)\n"
        "prober.run(ProbeRequest(planned=planned[2:], folders=folders, nonce='', service={},"
        " environment={}, deadline_seconds=60), None, observe=id, cancelled=lambda: False)"
    )
    runner = subprocess.Popen([sys.executable, "-c", code, str(file.parent)])
    try:
        wait_until(lambda: seen.exists() and len(seen.read_text().split()) == 4)
    finally:
        runner.kill()
        runner.wait()
    *processes, folder = seen.read_text().split()
    wait_until_gone(*processes)
    wait_until(lambda: not os.path.exists(os.path.dirname(folder)))


def test_a_thousand_probes_are_all_reported(bench):
    bench.write(
        "@pytest.mark.parametrize('n', range(1000))\ndef test_it(n, host): host.run('true')"
    )
    report = bench.run()
    assert len(report.results) == 1000
    assert {result.verdict for result in report.results} == {Verdict.PASSED}
    assert len(bench.access.asked) == 1000


def test_many_cells_run_at_once(bench):
    bench.write("def test_a(host): host.run('true')\ndef test_b(): os._exit(3)")
    planned = bench.collect()
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: bench.run(planned=planned), range(24)))
    assert {tuple(result.reason for result in report.results) for report in reports} == {
        ("", "probe-crash")
    }


def test_no_descriptor_of_the_runner_is_leaked(bench):
    bench.run("def test_a(): pass")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        bench.run()
    assert len(os.listdir("/proc/self/fd")) <= before
