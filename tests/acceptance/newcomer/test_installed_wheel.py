"""Matrix as somebody gets it who never saw the clone: a wheel in an empty virtual environment."""

import zipfile
from pathlib import Path

import docker
import pytest
from builders.installed import ROOT
from builders.sshd import wait_until

from matrix.core.names import LABEL_RUN

pytestmark = pytest.mark.engine

#: Must not cost a second before the first word of help.
HEAVY = ("alembic", "docker", "jinja2", "paramiko", "pydantic", "pytest", "rich", "sqlalchemy")

#: Every command that prints data, in a project that was measured.
JSON_COMMANDS = (
    "doctor",
    "plan",
    "run --last-failed",
    "report",
    "gate",
    "merge .matrix/store.sqlite",
    "history hello@local",
    "grid status:passed",
    "diff reports/report.html reports/report.html",
    "db prune --dry-run",
    "waive list",
    "sweep --dry-run --keep-images",
    "image list",
    "env list",
    "env show local",
    "env check",
    "env facts",
    "probe list",
    "config check",
    "key list",
    "requirements",
)

WRONG_KEYS = {
    "matrix.toml": ("fresh =", "frehs =", "policy.frehs", '"fresh"'),
    "images/catalogue.toml": ("memory =", "memroy =", "services.hello.memroy", '"memory"'),
    "inventories/local.toml": ("title =", "titel =", "environments.local.titel", '"title"'),
}


def _files_of_the_package() -> set[str]:
    folders = {ROOT / "matrix": "matrix", ROOT / "probes/outside": "matrix/probes/outside"}
    return {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for folder, name in folders.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _objects_of(run: str) -> list[str]:
    engine = docker.from_env()
    mine = {"label": f"{LABEL_RUN}={run}"}
    found = [
        *engine.containers.list(all=True, filters=mine),
        *engine.networks.list(filters=mine),
        *engine.volumes.list(filters=mine),
    ]
    engine.close()
    return [one.name for one in found]


def _processes_below(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def test_the_wheel_carries_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == _files_of_the_package()


def test_the_first_grid_is_green(first_run):
    assert first_run.code == 0, first_run.err + first_run.out
    assert "✓" in first_run.out
    assert "GATE OPEN: 1 of 1" in first_run.out


def test_the_grid_is_data_and_the_rest_is_talk(first_run):
    assert "[1/1] ✓ hello@local: PASSED" in first_run.err
    assert "[1/1]" not in first_run.out
    assert "GATE" not in first_run.err
    assert "\x1b" not in first_run.out + first_run.err


def test_the_report_is_where_it_says(first_run, shop):
    assert f"report: {shop / 'reports/report.html'}" in first_run.err
    assert (shop / "reports/report.html").stat().st_size > 10_000


def test_nothing_is_left_of_the_run(first_run, installed, shop):
    assert first_run.code == 0
    run = installed.matrix("gate", "--json", at=shop).data["run"]
    assert _objects_of(run) == []
    assert list(installed.temporary.iterdir()) == []
    wait_until(lambda: not _processes_below(installed.folder))
    swept = installed.matrix("sweep", "--keep-images", at=shop)
    assert (swept.code, swept.out) == (0, "")
    assert "nothing of ours is left" in swept.err


def test_the_gate_is_open(first_run, installed, shop):
    assert first_run.code == 0
    answer = installed.matrix("gate", at=shop)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("GATE OPEN")


def test_the_gate_is_not_open_before_the_first_run(installed, scratch):
    answer = installed.matrix("gate", at=scratch)
    assert answer.code == 4
    assert "hello@local: MISSING" in answer.out


def test_doctor_finds_nothing_missing(installed, shop):
    answer = installed.matrix("doctor", at=shop)
    assert answer.code == 0, answer.out
    assert "✗" not in answer.out


@pytest.mark.parametrize("command", JSON_COMMANDS)
def test_json_is_all_there_is_on_stdout(first_run, installed, shop, command):
    assert first_run.code == 0
    answer = installed.matrix(*command.split(), "--json", at=shop)
    expected = 4 if command.startswith("run") else 0
    assert answer.code in (0, expected), answer.err
    assert answer.data is not None


def test_every_command_with_json_is_tried():
    from matrix.cli.reference import commands, options  # the clone's: the same commands

    with_json = {
        path.removeprefix("matrix ")
        for path, command in commands()
        if any("--json" in option.opts for option in options(command))
    }
    # `lab` starts hosts from the clone's own images; the others need files, keys, minutes or
    # saboteurs.
    elsewhere = {
        "bundle build",
        "bundle import",
        "bundle verify",
        "key new",
        "lab status",
        "probe import",
        "probe run",
        "probe vitality",
        "verify",
    }
    tried = {
        command for command in with_json if any(at.startswith(command) for at in JSON_COMMANDS)
    }
    assert with_json - tried == elsewhere


@pytest.mark.parametrize("kind", ["project", "policy", "catalogue", "inventory", "expected"])
def test_schemas_are_json(installed, tmp_path, kind):
    assert installed.matrix("config", "schema", kind, at=tmp_path).data["$schema"]


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_a_wrong_key_names_file_line_key_and_what_is_allowed(installed, scratch, name):
    right, wrong, key, allowed = WRONG_KEYS[name]
    path = scratch / name
    lines = path.read_text().splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith(right))
    lines[at] = lines[at].replace(right, wrong)
    path.write_text("\n".join(lines))
    answer = installed.matrix("run", at=scratch)
    assert (answer.code, answer.out) == (2, "")
    assert f"{name}:{at + 1}: {key}: unknown key" in answer.err
    assert f"did you mean {allowed}?" in answer.err
    assert not (scratch / ".matrix").exists()


def test_a_wrong_key_in_what_is_expected_is_told_before_anything_is_run(installed, scratch):
    (scratch / "wanted.toml").write_text(
        '[cells."hello@local"]\nverdict = "PASSED"\nbecause = "it is simple"\nreson = ""\n'
    )
    answer = installed.matrix("run", "--expected", "wanted.toml", at=scratch)
    assert (answer.code, answer.out) == (2, "")
    assert 'wanted.toml:4: cells."hello@local".reson: unknown key' in answer.err
    assert 'did you mean "reason"?' in answer.err
    assert "connecting" not in answer.err


def test_all_faults_of_all_files_come_at_once(installed, scratch):
    for name, (right, wrong, _, _) in WRONG_KEYS.items():
        path = scratch / name
        path.write_text(path.read_text().replace(f"\n{right}", f"\n{wrong}"))
    faults = installed.matrix("config", "check", "--json", at=scratch).data["faults"]
    assert {fault["file"] for fault in faults} == set(WRONG_KEYS)


def test_init_overwrites_nothing(installed, scratch):
    before = {path: path.read_bytes() for path in scratch.rglob("*") if path.is_file()}
    answer = installed.matrix("init", at=scratch)
    assert (answer.code, answer.out) == (2, "")
    assert "matrix.toml" in answer.err
    assert {path: path.read_bytes() for path in scratch.rglob("*") if path.is_file()} == before


def test_without_a_project_it_says_what_to_do(installed, tmp_path):
    answer = installed.matrix("run", at=tmp_path)
    assert (answer.code, answer.out) == (2, "")
    assert "matrix init" in answer.err


def test_a_terminal_gets_colour_unless_it_wants_none(first_run, installed, shop):
    assert first_run.code == 0
    assert "\x1b[32m" in installed.see("report", at=shop)
    assert "\x1b" not in installed.see("report", at=shop, NO_COLOR="1")


def test_help_imports_nothing_heavy(installed, tmp_path):
    look = (
        "import sys; from matrix.cli import execute; execute(['--help']); "
        f"print(sorted({set(HEAVY)} & sys.modules.keys()))"
    )
    answer = installed.run(["python", "-c", look], at=tmp_path)
    assert answer.out.rstrip().endswith("[]"), answer.out + answer.err


def test_the_junit_file_is_read_by_others(first_run, installed, shop, tmp_path):
    assert first_run.code == 0
    path = tmp_path / "junit.xml"
    answer = installed.matrix("report", "-f", "junit", "-o", str(path), at=shop)
    assert (answer.code, answer.out) == (0, "")
    assert b"<testsuite" in path.read_bytes()
