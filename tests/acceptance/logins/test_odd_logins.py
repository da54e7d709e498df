"""Accounts as one finds them: each gives either a right grid or one clear finding on the column."""

import os

import pytest
from builders.sshd import public
from builders.trials import Trial

pytestmark = pytest.mark.engine

PROBES = '''
def test_it_is_what_it_is(host):
    """Inside and outside agree"""
    assert host.run("echo $((6 * 7))").stdout == "42\\n"


def test_it_is_not_what_it_is_not(host):
    """What is not there is not found"""
    assert not host.file("/nonexistent").exists
'''
#: Account → settings of its host, for those the grid must be right with.
RIGHT = {
    "docker1": {},
    "fishy": {},
    "noisy": {},
    "sudoer": {"engine_sudo": True},
}
#: Account → settings, and what the finding on its column says.
REFUSED = {
    "nobodyhome": ({}, "nobodyhome"),
    "plain": ({}, "permission denied"),
    "asker": ({"engine_sudo": True}, "password"),
}


def a_host(sshd, user, **settings):
    return {
        "name": f"host-{user}",
        "connection": "ssh",
        "address": sshd.address,
        "port": sshd.port,
        "user": user,
        "identity_file": str(sshd.folder / "id"),
        "host_keys": [public(sshd.folder / "host_key")],
        **settings,
    }


@pytest.fixture
def project(tmp_path):
    trial = Trial(tmp_path)
    trial.add("tiny", PROBES)
    return trial


def test_every_account_gives_a_right_grid_or_one_clear_finding(project, sshd):
    assert os.geteuid() == 0
    for user, settings in RIGHT.items():
        project.place(user, a_host(sshd, user, **settings))
    for user, (settings, _) in REFUSED.items():
        project.place(user, a_host(sshd, user, **settings))
    done = project.run("--retries", "0")
    for user in RIGHT:
        cell = done.cell(f"tiny@{user}")
        assert cell.answer == ("PASSED", ""), (user, cell.message)
    for user, (_, words) in REFUSED.items():
        cell, fault = done.cell(f"tiny@{user}"), done.host(user)["fault"]
        assert cell.answer == ("ERROR", "environment"), (user, cell.message)
        assert words in fault["message"].lower(), (user, fault)
        assert cell.tries == []
    assert done.code == 3


def test_one_session_at_a_time_gives_a_right_grid_or_one_clear_finding(project, lone_sshd):
    lone_sshd.start("MaxSessions 1")
    project.place("lone", a_host(lone_sshd, "docker1", max_sessions=1))
    done = project.run("--retries", "0")
    cell = done.cell("tiny@lone")
    fault = done.host("lone")["fault"]
    assert (cell.answer, bool(fault)) in {
        (("PASSED", ""), False),
        (("ERROR", "environment"), True),
    }, (cell.message, fault)
    if fault:
        assert "MaxSessions" in fault["message"]
