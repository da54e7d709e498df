"""Nothing but the probes' own code is loaded, and nothing of the runner is to be had in there."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import matrix
from matrix.core.verdict import Verdict

ROGUE = """
import builtins
builtins.rogue = True
"""
CLEAN = """
import builtins
def test_clean(): assert not hasattr(builtins, "rogue")
"""
#: A program that runs the probes of the folder it is given and prints their verdicts.
PROGRAM = """
import sys
from pathlib import Path
from matrix.core.ports import ProbeRequest
from matrix.probing.prober import PytestProber

folders = (Path(sys.argv[1]),)
with PytestProber() as prober:
    planned = prober.collect(folders)[2:]
    request = ProbeRequest(planned=planned, folders=folders, nonce="", service={},
                           environment={}, deadline_seconds=60)
    report = prober.run(request, None, observe=lambda r: r, cancelled=lambda: False)
print([result.verdict.value for result in report.results], report.faults)
print("\\n".join(result.detail for result in report.results))
"""


def test_a_conftest_in_a_parent_or_the_current_folder_is_not_loaded(bench, tmp_path, monkeypatch):
    for place in (tmp_path, tmp_path / "cwd", bench.folder / "sub"):
        place.mkdir(exist_ok=True)
        (place / "conftest.py").write_text(ROGUE)
        (place / "pytest.ini").write_text("[pytest]\naddopts = --nothing-like-this\n")
        (place / "json.py").write_text(ROGUE)
    monkeypatch.chdir(tmp_path / "cwd")
    bench.write(CLEAN)
    bench.write(CLEAN, "sub/test_more.py")
    report = bench.run()
    assert [result.verdict for result in report.results] == [Verdict.PASSED] * 2
    assert "rogue" in ROGUE


def test_the_conftests_of_the_folder_and_of_probes_are_loaded(bench):
    (bench.folder.parent / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef above(): return 'above'\n"
    )
    bench.write("@pytest.fixture\ndef beside(above): return above + ' beside'", "conftest.py")
    (bench.folder / "data.txt").write_text("data")
    report = bench.run(
        """
        from pathlib import Path
        def test_it(beside):
            assert beside == "above beside"
            assert Path(__file__).with_name("data.txt").read_text() == "data"
        """
    )
    assert [result.verdict for result in report.results] == [Verdict.PASSED]


def test_nothing_is_written_beside_the_probes(bench):
    bench.write("def test_it(tmp_path): (tmp_path / 'x').write_text('x'); open('y', 'w').close()")
    bench.run()
    assert [path.name for path in bench.folder.iterdir()] == ["test_it.py"]


def test_no_variable_of_the_runner_reaches_a_probe(tmp_path, bench):
    bench.write(
        """
        def test_it():
            everything = str(os.environ) + open("/proc/self/environ").read()
            everything += open(f"/proc/{os.getppid()}/environ").read()
            assert "CANARY" not in everything
            assert sorted(os.environ) == [
                "HOME", "LANG", "LC_ALL", "PATH", "PYTEST_CURRENT_TEST",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_VERSION", "PYTHONDONTWRITEBYTECODE",
                "TMPDIR", "TZ"]
        """
    )
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_SECRET_ACCESS_KEY": "CANARY",
        "PYTEST_ADDOPTS": "--nothing-CANARY",
        "PYTEST_PLUGINS": "CANARY",
        "PYTHONWARNINGS": "error",
    }
    done = _run([sys.executable, "-c", PROGRAM, str(bench.folder)], env=environment)
    assert done.startswith("['PASSED'] ()"), done


def test_a_probe_inherits_no_descriptor_but_its_pipe(bench):
    report = bench.run(
        """
        def test_it():
            found = {}
            for fd in os.listdir("/proc/self/fd"):
                try: found[int(fd)] = os.readlink(f"/proc/self/fd/{fd}")
                except OSError: pass
            assert [found[fd] for fd in range(3)] == ["/dev/null"] * 3
            assert [name.split(":")[0] for fd, name in found.items() if fd > 2] == ["socket"], found
        """
    )
    assert [result.verdict for result in report.results] == [Verdict.PASSED], report.results[
        0
    ].detail


def test_a_probe_runs_in_a_session_of_its_own(bench):
    report = bench.run("def test_it(): assert os.getsid(0) == os.getpgid(0) == os.getpid()")
    assert [result.verdict for result in report.results] == [Verdict.PASSED]


def test_a_plugin_that_is_installed_beside_pytest_is_not_loaded(tmp_path, bench):
    python = _environment_with_a_rogue_plugin(tmp_path)
    bench.write(CLEAN)
    plain = subprocess.run(
        [python, "-m", "pytest", "-q", str(bench.folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed" in plain.stdout, "the trap itself does not work"
    done = _run([python, "-c", PROGRAM, str(bench.folder)], cwd=tmp_path)
    assert done.startswith("['PASSED'] ()"), done


def _environment_with_a_rogue_plugin(root: Path) -> str:
    """A virtual environment that sees our packages, and a package with a pytest plugin."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / "env"], check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = root / "env" / "lib" / version / "site-packages"
    paths = [sysconfig.get_path("purelib"), str(Path(matrix.__path__[0]).parent)]
    (site / "ours.pth").write_text("\n".join(paths))
    (site / "rogue.py").write_text(ROGUE)
    (site / "rogue-1.dist-info").mkdir()
    (site / "rogue-1.dist-info" / "METADATA").write_text("Name: rogue\nVersion: 1\n")
    (site / "rogue-1.dist-info" / "entry_points.txt").write_text("[pytest11]\nrogue = rogue\n")
    return str(root / "env" / "bin" / "python")


@pytest.mark.parametrize("way", ["-c", "script", "stdin", "-m", "a copy elsewhere"])
def test_it_works_however_the_runner_was_started(tmp_path, bench, way):
    bench.write("def test_it(): pass")
    script = tmp_path / "folder" / "started.py"
    script.parent.mkdir()
    script.write_text(PROGRAM)
    (script.parent / "json.py").write_text("raise SystemExit('the wrong json')")
    environment, given, start = dict(os.environ), None, [sys.executable]
    if way == "-c":
        start += ["-c", PROGRAM]
    elif way == "stdin":
        start, given = [*start, "-"], PROGRAM
    elif way == "script":
        (script.parent / "json.py").unlink()
        start += [str(script)]
    elif way == "-m":
        (script.parent / "json.py").unlink()
        start += ["-m", "started"]
    else:
        environment["PYTHONPATH"] = str(_copy_of_the_package(tmp_path))
        start += ["-c", f"import matrix; assert 'copy' in matrix.__file__\n{PROGRAM}"]
        bench.write("def test_it(): assert 'copy' in sys.modules['matrix'].__file__")
    cwd = script.parent if way == "-m" else tmp_path
    done = _run([*start, str(bench.folder)], env=environment, cwd=cwd, input=given)
    assert done.startswith("['PASSED'] ()"), done


def _copy_of_the_package(root: Path) -> Path:
    shutil.copytree(
        matrix.__path__[0], root / "copy" / "matrix", ignore=shutil.ignore_patterns("__pycache__")
    )
    return root / "copy"


def _run(command, **options) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout
