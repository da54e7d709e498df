"""A project read from its files: every value where it belongs."""

import os
from pathlib import Path

import pytest

import matrix
from matrix.core.errors import ConfigError, UsageError
from matrix.core.model import (
    Base,
    Carrier,
    Companion,
    Environment,
    Host,
    Image,
    Kind,
    Limits,
    Policy,
    Port,
    Readiness,
    Requirement,
    RunSettings,
    SshAddress,
    Start,
)
from matrix.loading import find_project, load_lab_tables, load_project

MEBIBYTE = 1024 * 1024


def test_every_key_of_the_catalogue_arrives(files):
    project = files.load()
    queue, web = project.services
    assert (queue.name, queue.title, queue.contents, queue.image) == (
        "queue",
        "Queue",
        "Redis",
        "queue",
    )
    assert queue.settings == RunSettings(
        command=("redis", "--port", "6379"),
        environment={"MODE": "x=1 y"},
        user="redis",
        capabilities=("NET_RAW",),
        tmpfs={"/tmp": "size=1m"},
        volumes=("/data",),
        ports=(Port(name="redis", container=6379),),
        read_only=False,
        memory_bytes=64 * MEBIBYTE,
        pids=64,
        shm_bytes=16 * MEBIBYTE,
        stop_grace_seconds=3.0,
        readiness=Readiness(command="redis-cli ping", timeout_seconds=30.0, interval_seconds=0.5),
    )
    assert queue.companions == (
        Companion(
            name="replica",
            image="queue",
            start=Start.AFTER,
            settings=RunSettings(memory_bytes=32 * MEBIBYTE),
        ),
    )
    assert set(queue.requirements) == {
        Requirement(fact="architecture", operator="in", asked=("amd64", "arm64")),
        Requirement(fact="memory_bytes", operator=">=", asked=256 * MEBIBYTE),
        Requirement(fact="memory_bytes", operator="<=", asked=1099511627776),
        Requirement(fact="engine.api", operator=">=", asked="1.40"),
        Requirement(fact="rootless", operator="==", asked=False),
    }
    assert (queue.probes, queue.deadline_seconds) == ((files.root / "probes/queue",), 120.0)
    assert (web.title, web.settings, web.deadline_seconds) == ("web", RunSettings(), 300.0)
    assert project.bases == (
        Base(name="bookworm", suite="bookworm", context=files.root / "images/base"),
    )
    assert project.images == (
        Image(name="queue", context=files.root / "images/queue", bases={"BASE": "bookworm"}),
        Image(name="web", context=None, reference="registry/web@sha256:" + "0" * 64),
    )


def test_every_key_of_an_inventory_arrives(files):
    laptop, qa = files.load().environments
    assert laptop == Environment(
        name="laptop",
        title="laptop",
        kind=Kind.LAPTOP,
        engine="docker",
        hosts=(Host(name="here", connection="local"),),
    )
    gate = SshAddress(
        address="gate",
        user="me",
        agent_key="SHA256:" + "a" * 43,
        host_keys=("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP" + "A" * 42,),
    )
    assert qa == Environment(
        name="qa",
        title="QA server",
        kind=Kind.QA,
        engine="podman",
        labels={"site": "lab"},
        limits=Limits(parallel_cells=3, free_disk_floor_bytes=2048 * MEBIBYTE, image_cache_bytes=0),
        exclusions={"web": "no licence there"},
        hosts=(
            Host(
                name="qa-1",
                connection="ssh",
                ssh=SshAddress(
                    address="10.0.0.1",
                    port=2222,
                    user="deploy",
                    identity_file=files.root / "keys/qa",
                    known_hosts=files.root / "keys/known_hosts",
                    jump=gate,
                ),
                engine_socket="/run/podman.sock",
                engine_sudo=True,
                carrier=Carrier.DIAL_STDIO,
                max_sessions=2,
            ),
        ),
    )


def test_the_project_file_says_where_everything_is(files):
    project = files.load()
    assert (project.root, project.name) == (files.root, "demo")
    assert project.outside_probes == files.root / "probes/outside"
    assert (project.reports, project.state) == (files.root / "reports", files.root / ".matrix")
    assert project.policy == Policy(
        required=("queue@*",), allow_unsupported=("queue@qa",), fresh_seconds=604800.0
    )


def test_probes_for_every_service_come_with_us_when_a_project_has_none(files):
    files.change("matrix.toml", 'outside_probes = "probes/outside"\n', "")
    found = files.load().outside_probes
    assert found.is_relative_to(Path(matrix.__file__).parent.parent)


def test_inventories_named_by_a_command_replace_those_of_the_project(files):
    files.write(
        "elsewhere/one.toml",
        '[environments.one]\nkind = "qa"\nengine = "docker"\n'
        '[[environments.one.hosts]]\nname = "one"\nconnection = "local"\n',
    )
    files.write("inventories/lab.toml", "this is not TOML")
    files.change("matrix.toml", 'allow_unsupported = ["queue@qa"]', 'allow_unsupported = ["web@x"]')
    project = files.load(inventory=[Path("elsewhere/one.toml")])
    assert [environment.name for environment in project.environments] == ["one"]


def test_a_project_is_found_from_any_folder_in_it(files):
    assert find_project(files.root / "images/queue") == files.root / "matrix.toml"
    assert find_project(Path("images")) == files.root / "matrix.toml"
    assert load_project(files.root / "images").name == "demo"


def test_outside_of_a_project_we_say_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="matrix init"):
        find_project(Path())


def test_what_the_lab_needs_is_passed_on_untouched(files):
    tables = load_lab_tables(files.root / "inventories/lab.toml")
    assert tables == {"qa": {"suite": "trixie", "anything": [1, {"x": 2}]}}
    with pytest.raises(ConfigError, match="no such file"):
        load_lab_tables(files.root / "inventories/none.toml")


def test_a_file_may_be_a_link_inside_the_project_but_not_out_of_it(files, tmp_path_factory):
    inventory = files.root / "inventories/lab.toml"
    os.rename(inventory, files.root / "real.toml")
    inventory.symlink_to(files.root / "real.toml")
    assert len(files.load().environments) == 2
    outside = tmp_path_factory.mktemp("outside") / "x.toml"
    outside.write_text(inventory.read_text())
    inventory.unlink()
    inventory.symlink_to(outside)
    assert "a link that leads out of the project" in files.fault()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = 1\nb = \n", "lab.toml:2: not TOML"),
        (b"\xff\xfe", "not UTF-8 from byte 0"),
        (b"x = " + b"[" * 100_000, "nested too deeply"),
        (b"#" * (1024 * 1024 + 1), "more than 1 MiB"),
    ],
)
def test_a_file_that_cannot_be_ours_is_one_fault(files, content, words):
    (files.root / "inventories/lab.toml").write_bytes(content)
    assert words in files.fault()


def test_a_pipe_in_place_of_a_file_does_not_make_us_wait(files):
    inventory = files.root / "inventories/lab.toml"
    inventory.unlink()
    os.mkfifo(inventory)
    assert "not a regular file" in files.fault()
