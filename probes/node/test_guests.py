"""What operations do to the guest book: reach it, read its log, stop it, kill it, push it hard."""

import json
import uuid

import pytest

URL = "http://localhost:3000"


@pytest.fixture
def token():
    """A word that is in no other entry; safe in a shell as it is."""
    return f"probe{uuid.uuid4().hex}"


@pytest.fixture
def ask(container):
    """Send one request from beside the application; gives the HTTP status and the text."""

    def send(path, options=""):
        done = container.exec(f"timeout 20 curl -sS -w '\\n%{{http_code}}' {options} '{URL}{path}'")
        answer, _, status = done.stdout.rpartition("\n")
        assert status.isdigit(), done.stdout + done.stderr
        return int(status), answer

    return send


@pytest.fixture
def write(ask):
    """Write an entry; gives its number."""

    def entry(text):
        body = json.dumps({"name": "probe", "text": text})
        status, answer = ask("/entries", f"-H 'Content-Type: application/json' -d '{body}'")
        assert status == 201, answer
        return json.loads(answer)["id"]

    return entry


def test_a_guest_on_the_machine_is_served(outside, container):
    """A guest on the machine gets the page on the published port"""
    address, port = container.address("http")
    ask = f'exec 3<>/dev/tcp/{address}/{port}; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3'
    answered = outside.run("timeout 10 bash -c %s", ask)
    assert "200 OK" in answered.stdout, answered.stderr
    assert "<h1>Guest book</h1>" in answered.stdout


def test_every_request_is_a_line_in_the_log(container, ask, token, eventually):
    """Each request is a line of JSON in the log that the engine keeps"""
    ask(f"/{token}")

    def lines():
        return [line for line in container.logs().splitlines() if token in line]

    found = eventually(lines)
    assert len(found) == 1
    line = json.loads(found[0])
    assert (line["method"], line["path"], line["status"]) == ("GET", f"/{token}", 404)


@pytest.mark.timeout(60)
def test_entries_survive_a_kill(container, ask, write, token):
    """What was acknowledged before a kill is there after a start"""
    numbers = [write(f"{token}-{count}") for count in range(5)]
    container.kill()
    assert not container.state.running
    container.start()
    container.wait_until_ready(40)
    for count, number in enumerate(numbers):
        assert json.loads(ask(f"/entries/{number}")[1]).get("text") == f"{token}-{count}"


@pytest.mark.timeout(60)
def test_half_a_line_costs_no_other(container, ask, write, token):
    """A line that a power cut left unfinished is dropped, and no other with it"""
    number = write(token)
    cut = container.exec('printf \'{"id":9,"name":"cut\' >> /data/entries.jsonl')
    assert cut.rc == 0, cut.stderr
    container.kill()
    container.start()
    container.wait_until_ready(40)
    assert json.loads(ask(f"/entries/{number}")[1]).get("text") == token
    assert write(f"{token}-after") == number + 1


@pytest.mark.timeout(60)
def test_it_finishes_what_was_asked_before_it_stops(container, eventually):
    """Told to stop, it answers what it was asked before, and ends by itself"""
    # Counting takes a thread, so one more thread means that the request is being worked on.
    container.host.run(
        "( before=$(ls /proc/1/task | wc -l); tries=0; "
        f"timeout 30 curl -s '{URL}/primes?below=2000000' > /data/answer.probe & "
        "until [ $(ls /proc/1/task | wc -l) -gt $before ] || [ $tries -gt 200 ]; "
        "do tries=$((tries + 1)); sleep 0.01; done; kill -TERM 1 ) > /dev/null 2>&1 &"
    )
    eventually(lambda: not container.state.running, seconds=25)
    state = container.state
    container.start()
    container.wait_until_ready(40)
    assert not state.running
    assert state.exit_code == 0, "it had to be killed, or it failed"
    assert '"count":148933' in container.exec("cat /data/answer.probe").stdout


@pytest.mark.timeout(60)
def test_it_stops_in_order_and_comes_back(container, ask, write, token):
    """It ends by itself with a listener on its feed, and has the entries after a start"""
    number = write(token)
    container.host.run(f"(timeout 30 curl -sN {URL}/live > /dev/null 2>&1) &")
    container.stop()
    status = container.state.exit_code
    container.start()
    container.wait_until_ready(40)
    assert status == 0, "it had to be killed, or it failed"
    assert json.loads(ask(f"/entries/{number}")[1]).get("text") == token


@pytest.mark.requires(**{"engine.pause": True})
@pytest.mark.timeout(60)
def test_a_guest_who_asked_while_it_was_frozen_is_answered(container, outside):
    """A request made while it is frozen is answered when it goes on"""
    address, port = container.address("http")
    ask = f'exec 3<>/dev/tcp/{address}/{port}; printf "GET /healthz HTTP/1.0\\r\\n\\r\\n" >&3; '
    container.pause()
    try:
        silent = outside.run("timeout 5 bash -c %s", f"{ask} read -t 1 -u 3 line; echo $line")
        assert silent.stdout.strip() == ""
    finally:
        container.unpause()
    container.wait_until_ready(20)
    assert "200 OK" in outside.run("timeout 10 bash -c %s", f"{ask} cat <&3").stdout


@pytest.mark.timeout(90)
def test_a_rush_of_guests_is_served(container, eventually):
    """A rush of guests is served without an error, by the process that was there before"""
    before = container.state.started_at
    rush = container.exec(
        "timeout 60 curl -s --parallel --parallel-max 20 -o /dev/null -w '%{http_code}\\n' "
        f"'{URL}/?guest=[1-400]' | sort | uniq -c"
    )
    assert rush.stdout.split() == ["400", "200"]
    state = container.state
    assert state.running
    assert state.started_at == before
    assert not state.oom_killed


def test_nobody_can_log_in_with_a_password(container):
    """No account in the image has a password"""
    accounts = container.copy_out("/etc/shadow").decode().splitlines()
    assert len(accounts) > 10
    secrets = {line.split(":")[0]: line.split(":")[1] for line in accounts}
    assert [name for name, secret in secrets.items() if secret.strip("!*")] == []
