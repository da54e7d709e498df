"""What a probe may ask for, and what is refused before anybody acts on it."""

import math

import pytest

from matrix.core.errors import UsageError
from matrix.core.result import Side
from matrix.probing.requests import VERBS, Command, parse_command, parse_control
from matrix.probing.serving import read_question


def command(**changes):
    return {"kind": "run", "side": "inside", "target": "", "command": "true", **changes}


def control(verb, target="", **arguments):
    return {"kind": "control", "target": target, "verb": verb, "arguments": arguments}


@pytest.mark.parametrize(
    ("side", "target", "shown"),
    [
        (Side.INSIDE, "", "host.run('true')"),
        (Side.INSIDE, "db", "container.companion(\"db\").host.run('true')"),
        (Side.OUTSIDE, "", "outside.run('true')"),
    ],
)
def test_a_command_is_shown_as_a_probe_has_it(side, target, shown):
    assert str(Command(side=side, target=target, command="true")) == shown


def test_a_command_is_read():
    found = parse_command(command(side="outside", command="uptime"))
    assert (found.side, found.target, found.command) == (Side.OUTSIDE, "", "uptime")


@pytest.mark.parametrize(
    "changes",
    [
        {"side": "both"},
        {"side": None},
        {"target": 3},
        {"command": None},
        {"command": "a\0b"},
        {"command": "\ud800"},
        {"command": "x" * 200_000},
    ],
)
def test_a_command_that_is_not_right_is_refused(changes):
    with pytest.raises(UsageError):
        parse_command(command(**changes))


def test_a_verb_is_read_with_its_arguments():
    found = parse_control(control("stop", "db", seconds=3))
    assert (found.target, found.verb, found.arguments) == ("db", "stop", {"seconds": 3.0})
    assert str(found) == 'container.companion("db").stop(seconds=3.0)'
    assert parse_control(control("stop")).arguments == {}


@pytest.mark.parametrize(
    "message",
    [
        control("remove"),
        {"kind": "control", "target": "", "verb": ["stop"], "arguments": {}},
        {"kind": "control", "target": "", "verb": "stop", "arguments": []},
        control("start", seconds=1),
        control("wait_until_ready"),
        control("wait_until_ready", seconds=-1),
        control("wait_until_ready", seconds=math.inf),
        control("wait_until_ready", seconds=math.nan),
        control("wait_until_ready", seconds=True),
        control("wait_until_ready", seconds="1"),
        control("logs", tail=1.5),
        control("logs", tail=10**9),
        control("copy_out", path="/a\0"),
        control("address"),
        control("stop", {"a": 1}),
    ],
)
def test_a_verb_or_argument_that_does_not_exist_is_refused(message):
    with pytest.raises(UsageError):
        parse_control(message)


def test_the_table_of_verbs_is_the_one_in_the_docstring():
    from matrix.probing import requests

    rows = [line.split("|")[1] for line in requests.__doc__.splitlines() if line.startswith("| ")]
    named = {verb.strip() for row in rows[1:] for verb in row.split(",") if verb.strip()}
    assert named == set(VERBS)


@pytest.mark.parametrize("message", [command(side="outside"), control("logs", tail=1)])
def test_an_inside_probe_may_not_look_outside(message):
    with pytest.raises(UsageError, match="name `outside` or `container`"):
        read_question(message, Side.INSIDE)
    read_question(message, Side.OUTSIDE)


def test_an_outside_probe_may_look_inside():
    assert read_question(command(), Side.OUTSIDE).side is Side.INSIDE
