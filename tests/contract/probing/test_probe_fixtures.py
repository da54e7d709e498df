"""What a probe holds in its hands, and the two controls that use it."""

import subprocess
import sys
from dataclasses import replace

import pytest

from matrix.core.result import CommandResult, Side
from matrix.core.verdict import Verdict
from matrix.probing.controls import controls

FIXTURES = """
def test_service(service):
    assert service.name == service["name"] == "queue"
    assert service.ports.redis == 6379
    with pytest.raises(TypeError): service.name = "x"
    with pytest.raises(TypeError): service["name"] = "x"
    with pytest.raises(AttributeError): service.nothing
    assert dict(service.ports) == {"redis": 6379}

def test_environment(environment):
    assert environment.facts["cgroup.version"] == 2
    assert environment.tags == ("a", "b")
    with pytest.raises(TypeError): environment.facts["kernel"] = "7"
"""


def test_metadata_is_read_only_and_reads_like_attributes(bench):
    report = bench.run(FIXTURES)
    assert [result.verdict for result in report.results] == [Verdict.PASSED] * 2, report.results


def test_every_verb_of_the_container_reaches_the_runner(bench):
    state = {"running": True, "paused": False, "exit_code": 0, "image_id": "sha256:1"}
    bench.access.verbs |= {
        "identify": {"name": "mx-1", "id": "abc"},
        "state": state,
        "inspect": {"Config": {"Env": []}},
        "stats": {"pids": 3},
        "copy_out": "aGk=",
        "attach": "line",
        "logs": "log",
        "exec": {"rc": 0, "stdout": "eA==", "stderr": "", "stdout_bytes": 99},
        "address": ["127.0.0.1", 4000],
    }
    report = bench.run(
        """
        def test_it(container):
            assert (container.name, container.id) == ("mx-1", "abc")
            assert container.state.running and container.state.image_id == "sha256:1"
            assert container.inspect()["Config"] == {"Env": []}
            assert container.stats() == {"pids": 3}
            assert container.copy_out("/etc/x") == b"hi"
            assert container.attach(0.1, until="ne") == "line"
            assert container.logs() == "log"
            assert container.exec("x").rc == 0
            assert container.address("http") == ("127.0.0.1", 4000)
            container.stop(); container.stop(seconds=2)
            container.start(); container.restart(); container.kill()
            container.pause(); container.unpause()
            container.wait_until_ready(seconds=3)
            container.companion("db").kill()
        """
    )
    assert [result.verdict for result in report.results] == [Verdict.PASSED], report.results
    asked = [(target, verb) for target, verb, _ in bench.access.controlled]
    assert asked[-8:] == [
        ("", "stop"),
        ("", "start"),
        ("", "restart"),
        ("", "kill"),
        ("", "pause"),
        ("", "unpause"),
        ("", "wait_until_ready"),
        ("db", "kill"),
    ]
    arguments = {verb: values for _, verb, values in bench.access.controlled}
    assert arguments["stop"] == {"seconds": 2.0}
    assert arguments["logs"] == {"tail": 200}
    assert arguments["attach"] == {"seconds": 0.1, "until": "ne"}
    assert arguments["address"] == {"port_name": "http"}
    assert 0 < arguments["exec"]["seconds"] <= 30


@pytest.mark.parametrize("side", list(Side))
def test_the_controls_pass_only_when_what_is_seen_is_the_truth(bench, result_of, side):
    bench.write("def test_it(): pass")
    bench.collect()

    def verdicts(seen):
        bench.access.verbs["inspect"] = {"Config": {"Env": ["A=b", f"MATRIX_NONCE={seen}"]}}
        bench.access.run = lambda **asked: replace(
            result_of(seen if "printf" in asked["command"] else f"MATRIX_NONCE={seen}"),
            exit_status=int(not asked["command"].endswith(f"= {seen}")),
        )
        report = bench.run(planned=controls(side))
        return [(result.verdict.value, result.reason) for result in report.results]

    assert verdicts("planted-here") == [("PASSED", ""), ("PASSED", "")]
    assert verdicts("something-else") == [("ERROR", "control"), ("PASSED", "")]


def test_the_negative_control_catches_an_engine_to_which_every_command_succeeds(bench, result_of):
    bench.access.run = lambda **_: result_of("planted-here")
    bench.write("def test_it(): pass")
    report = bench.run(planned=controls(Side.INSIDE))
    assert [result.verdict for result in report.results] == [Verdict.PASSED, Verdict.ERROR]


def test_an_inside_probe_runs_under_plain_pytest_as_well(bench):
    bench.write(
        """
        pytestmark = pytest.mark.filterwarnings("ignore")

        @pytest.fixture(scope="module")
        def shell(host): return host.run("echo %s", "a b")

        def test_it(host, shell):
            assert shell.rc == 0 and shell.stdout.strip() == "a b"
            assert host.file("/etc/passwd").exists
            assert host.file("/etc/passwd").user == "root"
        """
    )
    plain = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--hosts=local://",
            bench.folder,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in plain.stdout, plain.stdout

    def locally(*, command, **_):
        done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
        return CommandResult(
            command=command,
            exit_status=done.returncode,
            stdout=done.stdout,
            stderr=done.stderr,
            stdout_bytes=len(done.stdout),
            stderr_bytes=len(done.stderr),
            seconds=0.0,
        )

    bench.access.run = locally
    assert [result.verdict for result in bench.run().results] == [Verdict.PASSED]
