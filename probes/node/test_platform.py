"""What the application stands on: the operating system, Node.js, and the libraries it brought."""

import json
import re

import pytest

URL = "http://localhost:3000"


@pytest.fixture
def javascript(host):
    """Run a few lines in a Node.js of their own; gives what they print, read as JSON."""

    def run(lines):
        done = host.run("timeout 15 node -e %s", f"console.log(JSON.stringify({lines}))")
        assert done.rc == 0, done.stderr[-500:]
        return json.loads(done.stdout)

    return run


@pytest.fixture
def about(host):
    """Ask the application about itself and what it stands on."""

    def ask():
        done = host.run(f"timeout 10 curl -sS {URL}/about")
        assert done.rc == 0, done.stderr
        assert done.stdout.startswith('{"'), done.stdout[:200]
        return json.loads(done.stdout)

    return ask


def test_the_system_is_the_one_that_is_named(host, about):
    """The operating system is Debian 12, and the application says so"""
    release = host.run("cat /etc/os-release").stdout
    assert re.search(r'(?m)^VERSION_ID="12"$', release)
    name = re.search(r'(?m)^PRETTY_NAME="(.*)"$', release)
    assert about()["system"] == name[1]


def test_it_runs_on_the_node_that_is_installed(about, javascript):
    """The application runs on the Node.js that is installed, version 18.20"""
    installed = javascript("process.versions")
    assert installed["node"].startswith("18.20.")
    said = about()
    assert (said["node"], said["v8"]) == (installed["node"], installed["v8"])


def test_the_libraries_are_those_that_were_locked(host, about):
    """Express is installed as the lock file says, and loaded from beside the application"""
    packed = json.loads(host.run("cat /srv/guestbook/node_modules/express/package.json").stdout)
    assert packed["version"].startswith("4.21.")
    assert about()["express"] == packed["version"]


def test_it_runs_as_a_user_without_rights(host):
    """The application is one process of its own user, without a capability"""
    status = host.run("cat /proc/1/status").stdout
    assert re.search(r"(?m)^Name:\s+node$", status)
    assert re.search(r"(?m)^Uid:\s+10001\s+10001\s", status)
    assert re.search(r"(?m)^CapEff:\s+0{16}$", status)


def test_its_clock_is_in_universal_time(host, javascript):
    """The clock is in UTC, and Node.js knows the time zones and calendars of others"""
    assert host.run("date +%Z").stdout.strip() == "UTC"
    seen = javascript(
        "['en-GB', 'de-DE', 'ja-JP'].map((place) => new Date(0).toLocaleDateString(place, "
        "{ dateStyle: 'full', timeZone: 'Asia/Tokyo' }))"
    )
    assert seen[0].replace(",", "") == "Thursday 1 January 1970"
    assert seen[1:] == ["Donnerstag, 1. Januar 1970", "1970年1月1日木曜日"]


def test_cryptography_is_right(host, javascript):
    """SHA-256 in the application and in Node.js gives what sha256sum gives"""
    text = "The quick brown fox jumps over the lazy dog"
    wanted = host.run(f"printf %s '{text}' | sha256sum").stdout.split()[0]
    assert wanted == javascript(
        f"require('crypto').createHash('sha256').update('{text}').digest('hex')"
    )
    asked = f"timeout 10 curl -sS --data-binary '{text}' {URL}/digest"
    assert wanted in host.run(asked).stdout


@pytest.mark.timeout(60)
def test_long_work_holds_nobody_up(host):
    """While it counts primes in a thread, it answers everybody else"""
    # The order in which the answers arrive, by name.
    race = host.run(
        f"(timeout 40 curl -sS '{URL}/primes?below=5000000'; echo ' primes') & "
        f"sleep 0.2; timeout 40 curl -sS {URL}/healthz; echo ' health'; wait"
    ).stdout
    lines = [line.split() for line in race.splitlines()]
    assert lines == [["ok", "health"], ['{"below":5000000,"count":348513}', "primes"]]
