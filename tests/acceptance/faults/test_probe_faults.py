"""Probes that crash, hang, lie or drown us, and containers that lie to the probes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders.sshd import wait_until
from builders.trials import Result, Trial, Victim

pytestmark = [pytest.mark.engine, pytest.mark.lab]

#: Service → its probe, what it should say, settings.
CASES: dict[str, tuple[str, tuple[str, str], dict]] = {
    "os-exit": ("import os\ndef test_it(host):\n    os._exit(0)\n", ("ERROR", "probe-crash"), {}),
    "sys-exit": ("import sys\ndef test_it(host):\n    sys.exit(0)\n", ("ERROR", "probe-crash"), {}),
    "pytest-exit": (
        "import pytest\ndef test_it(host):\n    pytest.exit('done', returncode=0)\n",
        ("ERROR", "probe-crash"),
        {},
    ),
    "spins": (
        """
        import pytest
        @pytest.mark.timeout(2)
        def test_it(host):
            while True:
                pass
        """,
        ("ERROR", "deadline"),
        {},
    ),
    "skips": (
        "import pytest\ndef test_it(host):\n    pytest.skip('not today')\n",
        ("MISSING", "skipped"),
        {},
    ),
    "stderr": (
        """
        def test_inside(host):
            assert host.run("head -c 3000000 /dev/zero >&2; echo done").stdout == "done\\n"
        def test_outside(outside):
            assert outside.run("head -c 3000000 /dev/zero >&2; echo done").stdout == "done\\n"
        """,
        ("PASSED", ""),
        {},
    ),
    "stderr-needed": (
        """
        def test_it(host):
            assert "x" not in host.run("head -c 3000000 /dev/zero | tr '\\\\0' y >&2").stderr
        """,
        ("ERROR", "truncated"),
        {},
    ),
    "background": (
        """
        def test_inside(host):
            assert host.run("sleep 4321 & echo hi").stdout == "hi\\n"
            assert host.run("echo next").stdout == "next\\n"
        def test_outside(outside):
            assert outside.run("sleep 4321 & echo hi").stdout == "hi\\n"
            assert outside.run("echo next").stdout == "next\\n"
        """,
        ("PASSED", ""),
        {},
    ),
    "loads-nothing": (
        """
        import builtins
        def test_it():
            assert not hasattr(builtins, "rogue")
        """,
        ("PASSED", ""),
        {},
    ),
    "idle-shell": ("def test_it(host):\n    assert host.run('false').rc == 0\n",
                   ("ERROR", "control"), {"image": "fault-idle"}),
    "agreeing-shell": ("def test_it(host):\n    assert host.run('test 1 = 2').rc == 0\n",
                       ("ERROR", "control"), {"image": "fault-agreeing"}),
    "no-shell": (
        """
        def test_inside(host):
            assert host.file("/bin/httpd").exists
        def test_outside(container):
            assert container.state.running
        """,
        ("UNSUPPORTED", "shell"),
        {"image": "fault-bare"},
    ),
}  # fmt: skip
#: Services that are tried a second time.
RETRIED = ("os-exit", "sys-exit", "pytest-exit", "spins")
ROGUE = "import builtins\nbuiltins.rogue = True\n"


@pytest.fixture(scope="module")
def traps(tmp_path_factory) -> Path:
    """A folder below one with a rogue conftest, and a rogue plugin that any pytest would load."""
    root = tmp_path_factory.mktemp("traps")
    inner = root / "cwd"
    site = root / "site"
    inner.mkdir()
    (site / "rogue-1.dist-info").mkdir(parents=True)
    for folder in (root, inner):
        (folder / "conftest.py").write_text(ROGUE)
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --nothing-like-this\n")
    (site / "rogue.py").write_text(ROGUE)
    (site / "rogue-1.dist-info" / "METADATA").write_text("Name: rogue\nVersion: 1\n")
    (site / "rogue-1.dist-info" / "entry_points.txt").write_text("[pytest11]\nrogue = rogue\n")
    return root


@pytest.fixture(scope="module")
def before(docker_host: Victim) -> dict[str, set[str]]:
    return docker_host.snapshot()


@pytest.fixture(scope="module")
def table(docker_host: Victim, before, traps: Path, tmp_path_factory) -> Result:
    trial = Trial(tmp_path_factory.mktemp("probes"))
    for name, (probes, _, settings) in CASES.items():
        trial.add(name, probes, **settings)
    trial.place("docker", docker_host.host())
    (trial.folder / "conftest.py").write_text(ROGUE)
    (trial.folder / "probes" / "rogue.py").write_text(ROGUE)
    return trial.run(cwd=traps / "cwd", PYTHONPATH=str(traps / "site"), PYTEST_PLUGINS="rogue")


@pytest.mark.parametrize("name", CASES)
def test_a_fault_of_a_probe_has_its_verdict_and_reason(table: Result, name: str):
    expected = CASES[name][1]
    cell = table.cell(f"{name}@docker")

    assert cell.answer == expected, cell.message
    assert cell.tries == [expected] * (2 if name in RETRIED else 1)


def test_the_message_says_which_probe_it_was_and_what_to_look_at(table: Result):
    assert "os-exit/test_os_exit.py::test_it" in table.cell("os-exit@docker").message
    assert "within its 2 s" in table.cell("spins@docker").message
    assert "cut at the size cap" in table.cell("stderr-needed@docker").message
    assert "What was planted" in table.cell("idle-shell@docker").message
    assert "not seen" in table.cell("agreeing-shell@docker").message


def test_without_a_shell_what_is_asked_from_outside_is_answered(table: Result):
    cell = table.cell("no-shell@docker")

    assert cell.probe("test_outside")["verdict"] == "PASSED"
    assert cell.probe("test_inside")["verdict"] == "UNSUPPORTED"
    assert "no shell" in cell.probe("test_inside")["message"]


def test_a_background_child_delays_nothing_and_does_not_stay(table: Result, docker_host, before):
    attempt = table.cell("background@docker").document["attempts"][0]

    assert attempt["seconds"] < 60
    wait_until(lambda: "sleep 4321" not in docker_host.sh("ps -ef"))
    wait_until(lambda: docker_host.snapshot() == before)


def test_a_flood_of_errors_is_counted_to_the_last_byte(table: Result):
    for name in ("test_inside", "test_outside"):
        (command,) = table.cell("stderr@docker").probe(name)["commands"]
        assert (command["stderr_bytes"], command["truncated"]) == (3_000_000, True)


def test_the_traps_would_catch_a_plain_pytest(traps: Path, tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import builtins\ndef test_it():\n    assert not hasattr(builtins, 'rogue')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(traps / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed" in done.stdout
