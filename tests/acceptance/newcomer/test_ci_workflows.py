"""The workflow files of docs/howto/ci.md, their shell steps run one after another."""

import json
import shutil
from dataclasses import dataclass

import pytest
import yaml
from builders.installed import ROOT, Answer
from builders.pages import blocks
from junitparser import JUnitXml

PAGE = ROOT / "docs/howto/ci.md"
#: There is no such thing in any registry yet: it is what the test has installed already.
INSTALL = "pip install compat-matrix"
GREEN, RED, ERROR, INCOMPLETE = 0, 1, 3, 4

A_DEAD_ENGINE = """
[environments.elsewhere]
kind = "qa"
engine = "docker"
[[environments.elsewhere.hosts]]
name = "elsewhere"
connection = "local"
engine_socket = "/nonexistent/engine.sock"
"""

A_SECOND_PLACE = """
[environments.second]
kind = "qa"
engine = "docker"
[[environments.second.hosts]]
name = "second"
connection = "local"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What became of a job."""

    code: int
    answers: list[Answer]

    @property
    def log(self):
        return "".join(answer.out for answer in self.answers)


def workflow(name):
    """The file of that name, as the page has it."""
    (text,) = [one.text for one in blocks(PAGE) if one.text.startswith(f"# {name}\n")]
    return yaml.safe_load(text)


def break_nothing(folder):
    """The project as it is."""


def break_a_probe(folder):
    with (folder / "probes/hello/test_hello.py").open("a") as file:
        file.write('\n\ndef test_it_pays():\n    """It pays"""\n    assert 1 == 2, "no money"\n')


def break_a_host(folder):
    with (folder / "inventories/local.toml").open("a") as file:
        file.write(A_DEAD_ENGINE)


def leave_a_cell_out(folder):
    with (folder / "inventories/local.toml").open("a") as file:
        file.write(f'{A_DEAD_ENGINE}[environments.elsewhere.exclude]\nhello = "no room"\n')


BREAKS = pytest.mark.parametrize(
    ("bend", "code"),
    [
        (break_nothing, GREEN),
        (break_a_probe, RED),
        (break_a_host, ERROR),
        (leave_a_cell_out, INCOMPLETE),
    ],
    ids=["green", "red", "error", "incomplete"],
)


@pytest.fixture
def example(shop, tmp_path):
    """An example repository."""
    ignored = shutil.ignore_patterns(".matrix", "reports")
    return shutil.copytree(shop, tmp_path / "repository", ignore=ignored)


def shell(installed, folder, code, *, options=("-e",), **variables):
    named = [f"{name}={value}" for name, value in variables.items()]
    return installed.run(["env", *named, "bash", *options, "-c", code], at=folder)


def github(installed, folder):
    """As the runner does it: after a failure only what says so is run, the first failure counts."""
    (job,) = workflow(".github/workflows/compatibility.yml")["jobs"].values()
    summary, code, answers = folder / "step-summary.md", 0, []
    summary.touch()
    for step in job["steps"]:
        wanted = code == 0 or "cancelled()" in step.get("if", "")
        if not wanted or step.get("run", INSTALL) == INSTALL:
            continue
        options = ("--noprofile", "--norc", "-eo", "pipefail")
        answer = shell(installed, folder, step["run"], options=options, GITHUB_STEP_SUMMARY=summary)
        answers.append(answer)
        code = code or answer.code
    return Job(code=code, answers=answers)


@pytest.mark.engine
@BREAKS
def test_github_shows_the_grid_and_ends_as_the_gate_decides(installed, example, bend, code):
    bend(example)
    job = github(installed, example)
    assert job.code == code, job.answers
    summary = (example / "step-summary.md").read_text()
    assert "| **Hello" in summary
    commands = [line for line in job.log.splitlines() if line.startswith("::")]
    levels = {GREEN: "notice", RED: "error", ERROR: "warning", INCOMPLETE: "warning"}
    assert commands[0].startswith(f"::{levels[code]} title=gate ")
    assert len(commands) <= 10
    assert JUnitXml.fromfile(str(example / "reports/junit.xml"))
    assert json.loads((example / "reports/report.json").read_text())["gate"]["exit_code"] == code


@pytest.mark.engine
def test_gitlab_gets_its_reports_and_ends_as_the_gate_decides(installed, example):
    break_a_probe(example)
    (job,) = workflow(".gitlab-ci.yml").values()
    script = "\n".join(line for line in job["script"] if line != INSTALL)
    answer = shell(installed, example, script)
    assert answer.code == RED, answer.err
    for path in job["artifacts"]["reports"].values():
        assert (example / path).stat().st_size > 0
    variables = (example / job["artifacts"]["reports"]["dotenv"]).read_text()
    assert f"MATRIX_EXIT_CODE={RED}\n" in variables


def measured_in_shards(installed, folder):
    """What the jobs of the workflow in shards leave behind: the gate's answer."""
    jobs = workflow(".github/workflows/shards.yml")["jobs"]
    (kept,) = [one["with"]["path"] for one in jobs["measure"]["steps"] if "upload" in str(one)]
    (at,) = [one["with"]["path"] for one in jobs["gate"]["steps"] if "download" in str(one)]
    for number, shard in enumerate(jobs["measure"]["strategy"]["matrix"]["shard"]):
        machine = folder.with_name(f"machine-{number}")
        shutil.copytree(folder, machine, ignore=shutil.ignore_patterns(at))
        (code,) = runs(jobs["measure"])
        assert shell(installed, machine, code, SHARD=shard).code == 0
        (folder / at / f"shard-{number}").mkdir(parents=True)
        shutil.copy(machine / kept, folder / at / f"shard-{number}")
    (code,) = runs(jobs["gate"])
    return shell(installed, folder, code)


def runs(job):
    return [step["run"] for step in job["steps"] if step.get("run", INSTALL) != INSTALL]


@pytest.mark.full
@pytest.mark.engine
def test_shards_are_one_grid_and_end_as_the_gate_decides(installed, example):
    with (example / "inventories/local.toml").open("a") as file:
        file.write(A_SECOND_PLACE)
    break_a_probe(example)
    answer = measured_in_shards(installed, example)
    assert answer.code == RED, answer
    assert "2 of 2 required cells known" in answer.out
    assert (example / "reports/report.html").stat().st_size > 0


def test_every_step_names_what_is_there():
    for name in ("compatibility", "shards"):
        for job in workflow(f".github/workflows/{name}.yml")["jobs"].values():
            for step in job["steps"]:
                assert {"uses", "run"} & step.keys()
                if "uses" in step:
                    assert "@v" in step["uses"]
