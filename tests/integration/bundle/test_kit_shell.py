"""The shell part of a kit on odd machines: what it says, what it asks the engine, what it leaves.

The engine's program is a script here that writes down what it is asked.
"""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from builders.kits import tiny_kit

SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"]}
#: Writes down its words; what it does besides is in files.
PROGRAM = """\
#!/bin/sh
shift 2
printf '%s\\n' "$*" >>"{folder}/asked"
case $1 in
version) exit "$(cat "{folder}/answers")" ;;
image) [ -e "{folder}/there" ] ;;
load) cat >"{folder}/given" ;;
run) for word; do printf '%s\\n' "$word"; done >>"{folder}/words"; . "{folder}/does" ;;
stop | kill) echo ended >>"{folder}/ends"; touch "{folder}/ended"
    if [ -e "{folder}/lingers" ]; then sleep 1; fi ;;
esac
"""
#: The same for Podman, which can also be asked to listen.
SERVICE = """\
#!/bin/sh
if [ "$1 $2" = "system service" ]; then
    printf '%s\\n' "$*" >>"{folder}/asked"
    echo $$ >"{folder}/service"
    exec {python} -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1][7:]); s.listen(); time.sleep(60)' "$4"
fi
"""
NEVER_SECONDS = 120


@dataclass
class Machine:
    """A machine with an engine's program and no Python for a kit."""

    root: Path
    shell: list[str] = field(default_factory=lambda: ["dash"])
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.engine, self.here, self.temporary, self.programs):
            folder.mkdir(parents=True)
        self.write_program("docker", PROGRAM)
        (self.engine / "answers").write_text("0")
        self.does("exit 0")

    @property
    def engine(self) -> Path:
        return self.root / "engine"

    @property
    def programs(self) -> Path:
        return self.root / "programs"

    @property
    def here(self) -> Path:
        return self.root / "my folder"

    @property
    def temporary(self) -> Path:
        return self.root / "for a while"

    @property
    def socket(self) -> Path:
        return self.root / "docker.sock"

    def write_program(self, name: str, text: str) -> None:
        file = self.programs / name
        file.write_text(text.format(folder=self.engine, python=sys.executable))
        file.chmod(0o755)

    def does(self, script: str) -> None:
        """What the container with the runner comes to."""
        (self.engine / "does").write_text(script.format(folder=self.engine))

    def asked(self, file: str = "asked") -> list[str]:
        path = self.engine / file
        return path.read_text().splitlines() if path.exists() else []

    @contextmanager
    def start(self, kit: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
        """The kit's shell part; what still runs at the end is killed, for it would never end."""
        shutil.copy(kit, self.root / "a kit.matrix")
        with subprocess.Popen(
            [*self.shell, "../a kit.matrix", *words],
            cwd=self.here,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={
                "PATH": f"{self.programs}:/usr/bin:/bin:/usr/sbin:/sbin",
                "HOME": str(self.root / "home"),
                "TMPDIR": str(self.temporary),
                "MATRIX_PYTHON": "no-such-python",
                **self.environ,
            },
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, kit: Path, *words: str) -> tuple[int, str]:
        """Exit code and all that was said; nothing of it stays in the folder for such things."""
        with self.start(kit, *words) as process:
            out, err = process.communicate(timeout=300)
        assert list(self.temporary.iterdir()) == []
        return process.returncode, out + err

    def measure(self, kit: Path, *words: str) -> tuple[int, str]:
        return self.run(kit, "preflight", "--yes", "--engine-socket", str(self.socket), *words)


@pytest.fixture(scope="module")
def kit(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("kit") / "tiny.matrix"
    tiny_kit(file)
    return file


@pytest.fixture(params=SHELLS)
def machine(request) -> Iterator[Machine]:
    # The path of a socket has room for 107 bytes: not below the folder that pytest gives.
    with (
        tempfile.TemporaryDirectory(prefix="kit-") as root,
        closing(socket.socket(socket.AF_UNIX)) as listener,
    ):
        machine = Machine(Path(root), shell=SHELLS[request.param])
        listener.bind(str(machine.socket))
        yield machine


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def wait_until(condition, what: str) -> None:
    deadline = time.monotonic() + NEVER_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def waits(process: subprocess.Popen[str]) -> bool:
    """Whether it waits for its runner, and has nothing else left to do."""
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "S"


def started(process: subprocess.Popen[str]) -> str:
    """The commands that run in its session."""
    asked = ["ps", "-o", "args=", "-s", str(process.pid)]
    return subprocess.run(asked, check=False, capture_output=True, text=True).stdout


def test_without_words_or_with_strange_ones_it_says_what_it_takes(kit, machine):
    for words, code in (((), 2), (("--help",), 0), (("preflight", "--help"), 0), (("frob",), 2)):
        found, said = machine.run(kit, *words)
        assert (found, "Usage: sh a kit.matrix preflight" in said) == (code, True), said
    assert "there is no command frob" in said
    assert machine.asked() == []


def test_read_from_a_pipe_it_says_how_to_start_it(kit, machine):
    with kit.open("rb") as file:
        done = subprocess.run(
            machine.shell, stdin=file, cwd=machine.here, capture_output=True, check=False
        )
    assert (done.returncode, b"start this file by its name" in done.stderr) == (2, True)


def test_without_anybody_to_ask_the_socket_is_given_to_nobody(kit, machine):
    code, said = machine.run(kit, "preflight", "--engine-socket", str(machine.socket))
    assert (code, "give --yes to agree" in said) == (2, True)
    assert f"it gets the engine's socket {machine.socket}" in said
    assert not [line for line in machine.asked() if line.startswith(("load", "run"))]


@pytest.mark.parametrize("code", [0, 1, 3, 4, 5, 6])
def test_the_runner_gets_what_was_announced_and_its_code_comes_back(kit, machine, code):
    machine.does(f"exit {code}")
    (machine.root / "other folder").mkdir()
    found, _ = machine.measure(kit, "--out", str(machine.root / "other folder"))
    assert found == code
    words = machine.asked("words")
    at = words.index("python3")
    # What Python starts the file with is between them, of several lines.
    started = words.index(str(machine.root / "a kit.matrix"), at)
    assert words[started + 1] == "--kit-folder"
    assert words[started + 4 :] == [
        *("preflight", "--yes", "--engine-socket", str(machine.socket)),
        *("--out", str(machine.root / "other folder")),
    ]
    mounts = [word for word in words[:at] if word.startswith("type=bind")]
    sources = sorted(word.split(",")[1].partition("=")[2] for word in mounts)
    assert {str(machine.here), str(machine.socket), "/etc/os-release"} < set(sources)
    assert len(sources) == 7
    for pair in (("--cap-drop", "ALL"), ("--network", "host"), ("--restart", "no")):
        assert words[words.index(pair[0]) + 1] == pair[1]
    assert "--privileged" not in words
    name = words[words.index("--name") + 1]
    assert machine.asked()[-3:-1] == [f"stop -t 60 {name}", f"rm -f -v {name}"]
    assert machine.asked()[-1].startswith("rmi sha256:")


def test_what_the_engine_is_given_to_load_is_the_one_image(kit, machine):
    machine.measure(kit)
    (removed,) = [line.split()[1] for line in machine.asked() if line.startswith("rmi")]
    given = (machine.engine / "given").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(given)) as archive:
        names = archive.getnames()
    assert names[:2] == ["manifest.json", f"blobs/sha256/{removed.removeprefix('sha256:')}"]
    assert len(names) == 3


def test_an_image_that_was_there_is_neither_loaded_nor_removed(kit, machine):
    (machine.engine / "there").touch()
    assert machine.measure(kit)[0] == 0
    assert not [line for line in machine.asked() if line.startswith(("load", "rmi"))]


def test_after_a_runner_that_was_killed_another_one_cleans_up(kit, machine):
    machine.does("case $* in *sweep) exit 0 ;; *) exit 137 ;; esac")
    code, said = machine.measure(kit)
    assert (code, "in a way it never should (137)" in said) == (70, True)
    assert [line for line in machine.asked() if line.endswith(" sweep")]


@pytest.mark.parametrize("lingers", [False, True], ids=["at once", "after the runner ended"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_runner_and_its_code_comes_back(kit, machine, number, lingers):
    machine.does('until [ -e "{folder}/ended" ]; do sleep 0.1; done; exit 5')
    if lingers:
        (machine.engine / "lingers").touch()
    words = ("preflight", "--yes", "--engine-socket", str(machine.socket))
    with machine.start(kit, *words) as process:
        wait_until(lambda: machine.asked("words"), "the runner was not started")
        wait_until(lambda: waits(process), "the shell does not wait")
        process.send_signal(number)
        process.communicate(timeout=300)
    assert process.returncode == 5
    assert f"kill -s {number.name.removeprefix('SIG')}" in "\n".join(machine.asked())
    assert list(machine.temporary.iterdir()) == []


def test_when_all_of_it_is_killed_the_guard_cleans_up(kit, machine):
    machine.does('case $* in *sweep) exit 0 ;; esac; echo $$ >"{folder}/pid"; sleep 900 & wait')
    words = ("preflight", "--yes", "--engine-socket", str(machine.socket))
    with machine.start(kit, *words) as process:
        wait_until(lambda: machine.asked("pid"), "the runner was not started")
        process.kill()
        wait_until(lambda: "sleep 900" in started(process), "the runner does not wait")
        for pid in subprocess.run(
            ["pgrep", "-s", str(process.pid), "-f", "docker -H|sleep 900"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        wait_until(lambda: not list(machine.temporary.iterdir()), "the folder is still there")
        process.communicate(timeout=300)
    assert machine.asked()[-1].startswith("rmi ")
    assert [line for line in machine.asked() if line.endswith(" sweep")]


def test_a_podman_without_a_service_gets_one_for_the_run(kit, machine):
    (machine.engine / "answers").write_text("1")
    machine.write_program("podman", SERVICE + PROGRAM.partition("\n")[2])
    code, said = machine.run(kit, "preflight", "--yes")
    assert code == 0, said
    assert "Podman's own service is started for this run only" in said
    started = next(line for line in machine.asked() if line.startswith("system service"))
    private = started.partition("unix://")[2]
    assert private.startswith(str(machine.temporary))
    assert f"MATRIX_ENGINE_SOCKET={private}" in machine.asked("words")
    assert not Path("/proc", machine.asked("service")[0]).exists()


def test_a_machine_with_neither_is_told_so(kit, machine):
    (machine.engine / "answers").write_text("1")
    machine.environ = {"PATH": f"{machine.programs}:/usr/bin:/bin"}
    if shutil.which("podman"):
        pytest.fail("this test needs a machine without podman")
    code, said = machine.run(kit, "preflight", "--yes")
    assert (code, "neither" in said) == (3, True), said


@pytest.mark.parametrize("options", ["size=1m,noexec", "size=1m,ro", "size=4k"])
def test_where_nothing_can_be_unpacked_there_is_one_sentence(kit, machine, options):
    with mounted(machine.temporary, options):
        if options == "size=4k":
            (machine.temporary / "full").write_bytes(bytes(4096))
        with machine.start(kit, "preflight", "--yes") as process:
            _, err = process.communicate(timeout=300)
        left = [one.name for one in machine.temporary.iterdir()]
    assert process.returncode == 2
    assert "no folder for temporary files can be used" in err
    assert err.count("\n") == 1
    assert left in ([], ["full"])


def test_a_disk_that_fills_up_meanwhile_is_one_sentence(tmp_path, machine):
    kit = tmp_path / "large.matrix"
    names = f"wheels/{sys.version_info[0]}.{sys.version_info[1]}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("large.py", bytes(3 << 20))
    tiny_kit(kit, more={names: b"large.whl", "wheels/large.whl": packed.getvalue()})
    machine.environ = {"MATRIX_PYTHON": os.path.realpath(sys.executable)}
    with mounted(machine.temporary, "size=1m"):
        with machine.start(kit, "preflight", "--engine-socket", str(machine.socket)) as process:
            _, err = process.communicate(timeout=300)
        left = list(machine.temporary.iterdir())
    assert (process.returncode, "No space left on device" in err, left) == (2, True, [])
    assert err.count("\n") == 1


def test_names_that_no_container_can_be_given_are_one_sentence(kit, machine):
    folder = machine.root / "a,b"
    folder.mkdir()
    machine.environ = {"TMPDIR": str(folder)}
    code, said = machine.measure(kit)
    assert (code, "with a comma" in said) == (2, True)
    assert list(folder.iterdir()) == []
