"""Every line of the table in ``judge``, with real probe code in a real process."""

from dataclasses import replace

import pytest

from matrix.core import errors
from matrix.core.result import Ending
from matrix.core.verdict import Verdict

OUTCOMES = {
    "passes": ("def test_it(host): assert host.run('true').rc == 0", "PASSED", ""),
    "assertion": ("def test_it(): assert 1 == 2", "FAILED", "assertion"),
    "pytest.fail": ("def test_it(): pytest.fail('no')", "FAILED", "assertion"),
    "pytest.raises that does not": (
        "def test_it():\n  with pytest.raises(ValueError): pass",
        "FAILED",
        "assertion",
    ),
    "testinfra's own assertion": (
        "def test_it(host): host.run_expect([0], 'rc1')",
        "FAILED",
        "assertion",
    ),
    "failed subtest": (
        "def test_it(subtests):\n  with subtests.test('a'): assert 0\n  assert 1",
        "FAILED",
        "assertion",
    ),
    "warn": ("@pytest.mark.warn\ndef test_it(): assert 0", "WARNED", "assertion"),
    "warn that is broken": ("@pytest.mark.warn\ndef test_it(): 1/0", "ERROR", "probe-code"),
    "exception": ("def test_it(): {}['a']", "ERROR", "probe-code"),
    "setup": (
        "@pytest.fixture\ndef a(): assert 0\ndef test_it(a): pass",
        "ERROR",
        "probe-code",
    ),
    "missing fixture": ("def test_it(nothing): pass", "ERROR", "probe-code"),
    "teardown": (
        "@pytest.fixture\ndef a():\n  yield\n  1/0\ndef test_it(a): pass",
        "ERROR",
        "probe-code",
    ),
    "failure before a broken teardown": (
        "@pytest.fixture\ndef a():\n  yield\n  1/0\ndef test_it(a): assert 0",
        "FAILED",
        "assertion",
    ),
    "returns its comparison": ("def test_it(): return 1 == 2", "ERROR", "probe-code"),
    "skip": ("def test_it(): pytest.skip('why')", "MISSING", "skipped"),
    "skip marker": ("@pytest.mark.skip\ndef test_it(): pass", "MISSING", "skipped"),
    "importorskip": ("def test_it(): pytest.importorskip('nnn')", "MISSING", "skipped"),
    "xfail": ("@pytest.mark.xfail\ndef test_it(): assert 0", "MISSING", "skipped"),
    "xpass": ("@pytest.mark.xfail\ndef test_it(): pass", "MISSING", "skipped"),
    "strict xpass": ("@pytest.mark.xfail(strict=True)\ndef test_it(): pass", "MISSING", "skipped"),
    "tool not found": ("def test_it(host): host.find_command('ss')", "ERROR", "tool"),
    "tool not there": ("def test_it(host): host.check_output('rc127')", "ERROR", "tool"),
    "socket tools not found": (
        "def test_it(host): host.socket('tcp://1').is_listening",
        "ERROR",
        "tool",
    ),
    "own words like testinfra's": (
        "def test_it(): raise ValueError('cannot find \"x\" command')",
        "ERROR",
        "probe-code",
    ),
    "lost connection": ("def test_it(host): host.run('lost')", "ERROR", "conn-lost"),
    "lost connection in a fixture": (
        "@pytest.fixture\ndef a(host): host.run('lost')\ndef test_it(a): pass",
        "ERROR",
        "conn-lost",
    ),
    "service does not work": (
        "def test_it(container): container.wait_until_ready(1)",
        "FAILED",
        "not-ready",
    ),
    "service does not work, as wanted": (
        "def test_it(container):\n  with pytest.raises(Exception): container.wait_until_ready(1)",
        "PASSED",
        "",
    ),
    "no such port": ("def test_it(container): container.address('x')", "ERROR", "probe-code"),
    "no such port, swallowed": (
        "def test_it(container):\n  try: container.address('x')\n  except Exception: pass",
        "ERROR",
        "probe-code",
    ),
    "looks outside without saying so": (
        "def test_it(request): request.getfixturevalue('outside').run('true')",
        "ERROR",
        "probe-code",
    ),
    "wrong argument": ("def test_it(container): container.logs(0)", "ERROR", "probe-code"),
    "command with NUL": ("def test_it(host): host.run('a\\0b')", "ERROR", "probe-code"),
    "surrogate in a command": ("def test_it(host): host.run('\\ud800')", "ERROR", "probe-code"),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_probe_gets_the_verdict_of_the_table(bench, result_of, name):
    code, verdict, reason = OUTCOMES[name]
    bench.access.commands |= {
        "rc1": result_of(rc=1),
        "rc127": result_of(rc=127),
        "command -v command": result_of(),
        "command -v ss": result_of(rc=1),
        "command -v /sbin/ss": result_of(rc=1),
        "command -v /usr/sbin/ss": result_of(rc=1),
        "command -v netstat": result_of(rc=1),
        "command -v /sbin/netstat": result_of(rc=1),
        "command -v /usr/sbin/netstat": result_of(rc=1),
        "uname -s": result_of("Linux\n"),
        "lost": errors.ConnectionLost("cable cut"),
    }
    bench.access.verbs |= {
        "wait_until_ready": errors.NotReady("never"),
        "address": errors.UsageError("no port is called x"),
    }
    report = bench.run(code)
    (result,) = report.results
    assert (result.verdict.value, result.reason) == (verdict, reason), result
    assert report.ending is Ending.COMPLETE
    assert bench.observed == [result]


def test_what_did_not_get_ready_has_the_end_of_its_log_in_the_evidence(bench):
    bench.access.verbs |= {"wait_until_ready": errors.NotReady("never"), "logs": "disk is full"}
    (result,) = bench.run("def test_it(container): container.wait_until_ready(1)").results
    assert (result.verdict, result.reason) == (Verdict.FAILED, "not-ready")
    assert result.message == "never"
    assert [record.result.stdout for record in result.commands] == [b"disk is full"]


def test_a_log_that_cannot_be_read_is_not_hidden_by_what_was_not_ready(bench):
    bench.access.verbs |= {
        "wait_until_ready": errors.NotReady("never"),
        "logs": errors.ConnectionLost("cable cut"),
    }
    (result,) = bench.run("def test_it(container): container.wait_until_ready(1)").results
    assert (result.verdict, result.reason) == (Verdict.ERROR, "conn-lost")


def test_that_nothing_is_left_to_read_a_log_in_does_not_hide_what_was_not_ready(bench):
    bench.access.verbs |= {
        "wait_until_ready": errors.NotReady("never"),
        "logs": errors.DeadlineExceeded("too late"),
    }
    report = bench.run("def test_it(container): container.wait_until_ready(1)")
    (result,) = report.results
    assert (result.verdict, result.reason) == (Verdict.FAILED, "not-ready")
    assert not report.faults


SWALLOWED = {
    "except Exception": "try: host.run('lost')\n  except Exception: pass",
    "except BaseException": "try: host.run('lost')\n  except BaseException: pass",
    "negated": "assert not works(host)",
    "and failed afterwards": "assert works(host)",
    "and skipped afterwards": "works(host)\n  pytest.skip('it does not work')",
}


@pytest.mark.parametrize("name", SWALLOWED)
def test_a_swallowed_fault_stays(bench, name):
    bench.access.commands["lost"] = errors.ConnectionLost("cable cut")
    works = (
        "def works(host):\n  try: return host.run('lost').rc == 0\n  except Exception: return 0\n"
    )
    report = bench.run(f"{works}\ndef test_it(host):\n  {SWALLOWED[name]}\ndef test_more(): pass")
    first, second = report.results
    assert (first.verdict, first.reason) == (Verdict.ERROR, "conn-lost")
    assert second.verdict is Verdict.PASSED
    assert [fault.reason for fault in report.faults] == ["conn-lost"]
    assert "cable cut" in report.faults[0].message
    assert "lost" in report.faults[0].message


@pytest.mark.parametrize(
    ("body", "verdict", "reason"),
    [
        ("assert 'x' in host.run('flood').stdout", "ERROR", "truncated"),
        ("assert 'y' in host.run('flood').stdout", "ERROR", "truncated"),
        ("assert host.run('flood').rc == 0", "PASSED", ""),
        ("assert host.run('flood').stderr == ''", "PASSED", ""),
        ("assert host.check_output('flood')", "ERROR", "truncated"),
    ],
    ids=["read and passed", "read and failed", "only the status", "other output", "by testinfra"],
)
def test_an_output_that_was_cut_proves_nothing_once_read(bench, result_of, body, verdict, reason):
    bench.access.commands["flood"] = result_of(b"x" * 100, came=10**9)
    (result,) = bench.run(f"def test_it(host): {body}").results
    assert (result.verdict.value, result.reason) == (verdict, reason)


def test_a_fault_of_one_probe_says_what_was_asked(bench):
    bench.access.verbs["restart"] = errors.EngineLost("gone")
    report = bench.run("def test_it(container): container.companion('db').restart()")
    assert report.faults[0].message == 'gone (asked for: container.companion("db").restart())'


def test_an_assertion_is_explained_without_our_own_frames(bench, result_of):
    bench.access.commands["cat /etc/issue"] = result_of("Debian 12")
    (result,) = bench.run(
        """
        def test_it(host):
            assert host.check_output("cat %s", "/etc/issue") == "Debian 11"
        """
    ).results
    assert result.message.startswith("assert 'Debian 12' == 'Debian 11'")
    assert "queue/test_it.py:5: AssertionError" in result.detail
    assert "- Debian 11" in result.detail
    assert "matrix" not in result.detail.replace("matrix://", "")
    assert "/tmp" not in result.detail


def test_an_error_inside_testinfra_is_explained_by_the_probes_line(bench, result_of):
    (result,) = bench.run("def test_it(host): host.file('/x').mtime").results
    assert result.reason == "probe-code"
    assert "host.file('/x').mtime" in result.detail
    assert "testinfra/modules" not in result.detail


def test_what_a_probe_prints_is_kept_up_to_a_cap(bench):
    (result,) = bench.run(
        """
        def test_it():
            print("first", file=sys.stderr)
            sys.stdout.buffer.write(b"\\xff" * 10**7)
            print("last")
        """
    ).results
    assert result.output.startswith("first")
    assert result.output.endswith("last\n")
    assert len(result.output) <= 300_000
    assert "left out …]" in result.output


def test_every_command_is_recorded(bench, result_of):
    bench.access.commands["echo 'a b'"] = result_of("a b\n")
    bench.access.verbs |= {"logs": "line\n", "exec": {"rc": 3, "stdout": "aGk=", "stderr": ""}}
    (result,) = bench.run(
        """
        def test_it(host, outside, container):
            assert host.run("echo %s", "a b").stdout == "a b\\n"
            outside.run("uptime")
            container.companion("db").host.run("true")
            assert container.logs(tail=5) == "line\\n"
            answer = container.exec("id")
            assert (answer.rc, answer.stdout, answer.stderr) == (3, "hi", "")
        """
    ).results
    assert result.verdict is Verdict.PASSED, result.detail
    assert [
        (record.side.value, record.target, record.result.command) for record in result.commands
    ] == [
        ("inside", "", "echo 'a b'"),
        ("outside", "", "uptime"),
        ("inside", "db", "true"),
        ("outside", "", "container.logs(tail=5)"),
        ("inside", "", "id"),
    ]
    assert result.commands[0].result.stdout == b"a b\n"
    assert result.commands[3].result.stdout == b"line\n"


def test_many_commands_are_recorded_up_to_a_cap(bench):
    (result,) = bench.run(
        "def test_it(host):\n  for n in range(600): host.run(f'echo {n}')"
    ).results
    assert len(result.commands) == 500
    assert "[100 further commands were not kept]" in result.output


def test_the_observer_may_replace_a_result_and_the_next_probe_waits_for_it(bench, monkeypatch):
    order = []

    def observe(result):
        order.append(f"observed {result.id[-1]}")
        return replace(result, verdict=Verdict.ERROR, reason="container-lost")

    bench.observe = observe
    bench.access.commands["b"] = lambda _: (
        order.append("ran b")
        or bench.access.run(side=None, target="", command="", deadline_seconds=1)
    )
    report = bench.run("def test_a(): pass\ndef test_b(host): host.run('b')")
    assert order == ["observed a", "ran b", "observed b"]
    assert {result.reason for result in report.results} == {"container-lost"}


def test_the_source_in_an_explanation_is_indented_as_written(bench):
    (result,) = bench.run("def test_it():\n    x = 1\n    assert x == 2").results
    assert result.detail.startswith("    def test_it")
