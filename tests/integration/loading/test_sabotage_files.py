"""``sabotage.toml``: every fault at once, and what is wrong derived from the run settings."""

from dataclasses import replace
from pathlib import Path

import pytest

from matrix.core.errors import ConfigError
from matrix.core.model import Companion, Port, Readiness, RunSettings, Service, Start
from matrix.core.saboteur import ANSWERED, Saboteur, Weakening
from matrix.loading import load_saboteurs
from matrix.probing.requests import VERBS

FUNCTIONS = ("test_items.py::test_kept", "test_items.py::test_counted")
SERVICE = Service(
    name="queue",
    title="Queue",
    contents="",
    image="queue",
    settings=RunSettings(
        command=("redis",),
        environment={"SIZE": "1", "COLOUR": "red"},
        ports=(Port(name="redis", container=6379),),
        volumes=("/data",),
    ),
    companions=(Companion(name="replica", image="queue", settings=RunSettings(pids=7)),),
)


def load(folder: Path, text: str, *, service: Service = SERVICE) -> tuple[Saboteur, ...]:
    probes = folder / "queue"
    probes.mkdir(exist_ok=True)
    (probes / "sabotage.toml").write_text(text)
    return load_saboteurs(service, {probes: FUNCTIONS})


def row(more: str) -> str:
    return f"""
[[sabotage]]
name = "nothing is kept"
probes = ["test_items.py::test_kept"]
{more}
"""


def test_the_format_of_old_is_read(tmp_path):
    (found,) = load(
        tmp_path,
        row('target = ""\nsettings = { environment = { SIZE = "2" }, ports = { redis = 6380 } }'),
    )
    assert found.probes == ("queue/test_items.py::test_kept",)
    assert found.settings == replace(
        SERVICE.settings,
        environment={"SIZE": "2", "COLOUR": "red"},
        ports=(Port(name="redis", container=6380),),
    )


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ('command = ["sleep", "9"]', "command", ("sleep", "9")),
        ("volumes = []", "volumes", ()),
        ("read_only = false", "read_only", False),
        ('memory = "0"', "memory_bytes", 0),
        ("pids = 0", "pids", 0),
        ('stop_grace = "2s"', "stop_grace_seconds", 2.0),
        ('readiness = { command = ":" }', "readiness", Readiness(command=":")),
    ],
)
def test_what_is_wrong_replaces_what_is_declared(tmp_path, changes, field, value):
    (found,) = load(tmp_path, row(f"settings = {{ {changes} }}"))
    assert found.settings == replace(SERVICE.settings, **{field: value})


def test_a_companion_has_its_own_settings_changed(tmp_path):
    (found,) = load(tmp_path, row('target = "replica"\nsettings = { user = "nobody" }'))
    assert found.target == "replica"
    assert found.settings == RunSettings(pids=7, user="nobody")


def test_all_ways_to_put_something_wrong_are_read(tmp_path):
    (found,) = load(
        tmp_path,
        row(
            "clock = '-90m'\nwrap = 'exec \"$@\" > /dev/null'\n"
            "without = ['after']\nweaken = ['log', 'ports']\n"
            "aliases = []\nexec = 'rm -r /data'\nanswers = { stats = { pids = 1 }, pause = '' }"
        ),
    )
    assert found.clock == "-90m"
    assert found.wrap == 'exec "$@" > /dev/null'
    assert found.without == {Start.AFTER}
    assert found.weakened == {Weakening.LOG, Weakening.PORTS}
    assert found.aliases == ()
    assert found.command == "rm -r /data"
    assert found.answers == {"stats": {"pids": 1}, "pause": ""}
    assert found.settings is None
    assert not found.leaves_containers_alone


def test_a_wrong_clock_needs_containers_of_its_own(tmp_path):
    (found,) = load(tmp_path, row("clock = '+1y'"))
    assert not found.leaves_containers_alone


@pytest.mark.parametrize("shift", ["3d", "+3", "+3 days", "@2026-01-01 00:00:00", "+3d; id"])
def test_a_clock_is_off_by_some_time_and_nothing_else(tmp_path, shift):
    with pytest.raises(ConfigError, match=r"sabotage\[0\]\.clock"):
        load(tmp_path, row(f"clock = '{shift}'"))


def test_one_that_only_answers_leaves_the_containers_alone(tmp_path):
    (found,) = load(tmp_path, row("answers = { pause = '' }"))
    assert found.leaves_containers_alone


@pytest.mark.parametrize(
    ("need", "lacking"),
    [
        ("ports", replace(SERVICE, settings=replace(SERVICE.settings, ports=()))),
        ("volumes", replace(SERVICE, settings=replace(SERVICE.settings, volumes=()))),
        ("companions", replace(SERVICE, companions=())),
    ],
)
def test_one_that_makes_no_sense_for_a_service_is_left_out(tmp_path, need, lacking):
    text = row(f"needs = ['{need}']\nexec = 'true'")
    assert len(load(tmp_path, text)) == 1
    assert load(tmp_path, text, service=lacking) == ()


def test_a_folder_without_the_file_has_no_saboteurs(tmp_path):
    assert load_saboteurs(SERVICE, {tmp_path: FUNCTIONS}) == ()


def test_every_fault_is_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as raised:
        load(
            tmp_path,
            row("exec = 'true'")
            + row("target = 'replika'\nexec = 'true'")
            + row("").replace("nothing is kept", "nothing at all").replace("kept", "keept"),
        )
    told = str(raised.value)
    assert 'sabotage[1].name: "nothing is kept" for the second time' in told
    assert 'sabotage[1].target: "replika", no companion of service "queue"' in told
    assert 'did you mean "replica"' in told
    assert "sabotage[2]: nothing that is put wrong" in told
    assert '"test_items.py::test_keept", no probe of this folder' in told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("exec = 'true'\nhost = { Privileged = true }", 'unknown key "host"'),
        ("settings = { privileged = true }", 'unknown key "privileged"'),
        ("weaken = ['privileges']", '"privileges"'),
        ("answers = { identify = '' }", '"identify"'),
        ("answers = { stats = 2026-01-01 }", "date"),
        ("wrap = 1", "a whole number"),
        ("probes = []", "sabotage"),
    ],
)
def test_what_a_saboteur_may_not_do_is_refused(tmp_path, more, told):
    with pytest.raises(ConfigError, match=told):
        load(tmp_path, row(more))


def test_only_verbs_that_there_are_can_be_answered():
    assert set(ANSWERED) <= set(VERBS)
