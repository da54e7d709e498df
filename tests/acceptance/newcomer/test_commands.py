"""What each command says and how it ends, on a project as `matrix init` writes it."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

from matrix.cli import COMMANDS, execute


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert execute(["init", "."]) == 0
    return tmp_path


@pytest.fixture
def data(capsys):
    """Run a command and give its data."""

    def get(*words, code=0):
        capsys.readouterr()
        assert execute([*words, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return get


@pytest.mark.parametrize("name", COMMANDS)
def test_every_verb_says_what_it_does(name, capsys):
    assert execute([name, "--help"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"Usage: matrix {name}")
    assert len(said.out.splitlines()) > 3
    assert said.err == ""


def test_the_list_of_verbs_is_what_there_is(capsys):
    assert execute(["--help"]) == 0
    out = capsys.readouterr().out
    for name, line in COMMANDS.items():
        assert f"  {name} " in out
        assert line in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rnu"], 'did you mean "run"?'),
        (["env", "shw", "local"], "Did you mean 'show'?"),
        (["plan", "--servce", "hello"], "--service"),
        (["plan", "-s", "helo"], 'did you mean "hello"?'),
        (["plan", "-e", "nowhere"], "known: local"),
        (["plan", "--kind", "toaster"], "laptop"),
        (["report", "--format", "pdf"], "'markdown'"),
        (["env", "show", "nowhere"], "known: local"),
        (["report", "nosuchrun"], "there is no run nosuchrun"),
        (["run", "--resume"], "nothing to resume"),
        (["probe", "list", "-s", "helo"], 'did you mean "hello"?'),
    ],
    ids=" ".join,
)
def test_a_slip_of_the_pen_is_answered_with_what_there_is(project, capsys, words, says):
    capsys.readouterr()
    assert execute(words) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""


def test_init_overwrites_nothing(project, capsys):
    (project / "matrix.toml").write_text("# mine")
    assert execute(["init"]) == 2
    assert (project / "matrix.toml").read_text() == "# mine"
    assert "matrix init FOLDER" in capsys.readouterr().err


def test_init_names_the_project_by_its_folder(tmp_path):
    assert execute(["init", str(tmp_path / "My Shop!")]) == 0
    assert tomllib.loads((tmp_path / "My Shop!/matrix.toml").read_text())["name"] == "my-shop"


def test_the_plan_says_what_would_be_measured(project, data):
    plan = data("plan")
    assert [cell["cell"] for cell in plan["cells"]] == ["hello@local"]
    assert "control/planted_nonce_is_seen" in plan["cells"][0]["probes"]
    assert len(plan["digest"]) == 64


def test_what_is_left_out_of_a_plan_has_its_reason(project, data):
    with (project / "inventories/local.toml").open("a") as file:
        file.write('[environments.local.exclude]\nhello = "no room for it"\n')
    plan = data("plan", code=4)
    assert plan["cells"] == []
    assert [out["cell"] for out in plan["left_out"]] == ["hello@local"]
    assert "no room for it" in plan["left_out"][0]["reason"]


def test_environments_are_listed_and_shown(project, data, capsys):
    assert [one["name"] for one in data("env", "list")] == ["local"]
    assert data("env", "show", "local")["environment"]["kind"] == "laptop"
    assert execute(["env", "show", "local"]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[2:])
    assert shown["hosts[0].connection"] == "local"
    assert shown["hosts[0].engine_sudo"] == "no"


@pytest.mark.engine
def test_facts_are_spelled_for_people(project, capsys):
    capsys.readouterr()
    assert execute(["env", "facts", "local"]) == 0
    shown = {}
    for line in capsys.readouterr().out.splitlines():
        name, _, value = line.partition(" ")
        shown[name] = value.strip()
    assert shown["ipv6"] in ("yes", "no")
    assert shown["architecture"] in ("amd64", "arm64")
    assert not {"True", "False", "None"} & set(shown.values())


def test_probes_are_listed_with_their_sides(project, data):
    sides = {probe["id"]: probe["side"] for probe in data("probe", "list")["hello"]}
    assert sides["hello/test_hello.py::test_page_is_served"] == "inside"
    assert sides["hello/test_hello.py::test_published_port_answers"] == "outside"
    assert any(name.startswith("outside/") for name in sides)


def test_config_check_counts_what_there_is(project, data, capsys):
    assert data("config", "check") == {"faults": []}
    assert execute(["config", "check"]) == 0
    assert "1 service, 1 environment, no fault" in capsys.readouterr().err


def test_an_inventory_is_imported_and_can_be_used(project, capsys):
    (project / "config").write_text("Host qa\n  HostName qa.example.com\n  User deploy\n")
    words = ["env", "import", "--from", "ssh-config", "config", "-o", "inventories/more.toml"]
    assert execute(words) == 0
    assert execute(words) == 2
    assert "exists already" in capsys.readouterr().err
    assert "qa" in tomllib.loads((project / "inventories/more.toml").read_text())["environments"]


def test_a_dash_as_output_is_stdout(project, data):
    assert data("report", "-o", "-").keys() == data("report").keys()
    assert not (project / "-").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(capsys, shell):
    assert execute(["completion", shell]) == 0
    assert f"_MATRIX_COMPLETE={shell}_complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("matrix pl", ["plan"]),
        ("matrix env ", ["list", "show", "check", "facts", "import"]),
        ("matrix report --format m", ["markdown"]),
    ],
)
def test_completion_offers_what_fits(line, offered):
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-m", "matrix"],
        env=os.environ
        | {
            "_MATRIX_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(row.partition(",")[2] for row in done.stdout.splitlines()) == sorted(offered)


def test_a_terminal_without_our_glyphs_gets_their_codes(project):
    done = subprocess.run(
        [sys.executable, "-m", "matrix", "doctor"],
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
        cwd=project,
        capture_output=True,
        check=False,
    )
    assert b"\\u2713" in done.stdout
    assert b"Traceback" not in done.stderr
