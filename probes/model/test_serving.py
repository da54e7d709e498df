"""What operations do to the model's server: reach it, read its log, rush it, freeze it, stop it."""

import json
import uuid

import pytest

URL = "http://localhost:8000"
#: Asks for all pictures that were kept for testing; prints a digest of the answer.
ASK_ALL = (
    "timeout 30 curl -sS -H 'Content-Type: application/json' "
    f"--data-binary @/srv/model/holdout.json {URL}/predict"
)


@pytest.fixture
def digest(container):
    """A digest of what it says to all pictures that were kept for testing."""

    def ask():
        done = container.exec(f"{ASK_ALL} | tee /dev/stderr | sha256sum")
        assert '"probabilities"' in done.stderr, done.stderr[:300]
        return done.stdout.split()[0]

    return ask


def test_a_client_on_the_machine_gets_a_prediction(outside, container):
    """A client on the machine gets a prediction on the published port"""
    address, port = container.address("http")
    body = json.dumps({"pixels": [[0] * 64]})
    request = (
        "POST /predict HTTP/1.0\\r\\nContent-Type: application/json\\r\\n"
        f"Content-Length: {len(body)}\\r\\n\\r\\n{body}"
    )
    ask = f"exec 3<>/dev/tcp/{address}/{port}; printf '{request}' >&3; cat <&3"
    answered = outside.run("timeout 15 bash -c %s", ask)
    assert "200 OK" in answered.stdout, answered.stderr
    answer = json.loads(answered.stdout.splitlines()[-1])
    assert len(answer["labels"]) == 1


def test_every_request_is_a_line_in_the_log(container, eventually):
    """Each request is a line in the log that the engine keeps"""
    token = f"probe{uuid.uuid4().hex}"
    container.exec(f"timeout 15 curl -sS -o /dev/null {URL}/healthz?by={token}")
    line = f'"GET /healthz?by={token} HTTP/1.1" 200'
    assert eventually(lambda: container.logs().count(line)) == 1


@pytest.mark.timeout(90)
def test_it_says_the_same_after_a_restart(container, digest):
    """It says the same of every picture after a restart"""
    before = digest()
    container.restart()
    container.wait_until_ready(60)
    assert digest() == before


@pytest.mark.requires(**{"engine.pause": True})
@pytest.mark.timeout(60)
def test_it_says_the_same_after_a_pause(container, digest):
    """It says the same of every picture after it was frozen"""
    before = digest()
    container.pause()
    assert container.state.paused
    container.unpause()
    container.wait_until_ready(30)
    assert digest() == before


@pytest.mark.timeout(90)
def test_clients_at_the_same_time_get_the_same(container, digest):
    """Eight clients at the same time get the same answer as one alone"""
    alone = digest()
    together = container.exec(
        f"for n in $(seq 8); do {ASK_ALL} | sha256sum & done; wait"
    ).stdout.split("-")
    assert [one.strip() for one in together if one.strip()] == [alone] * 8


@pytest.mark.timeout(90)
def test_a_rush_is_served_within_its_memory(container):
    """A rush of requests is served, and its memory does not grow with them"""
    rush = (
        "timeout 60 curl -s --parallel --parallel-max 10 -o /dev/null -w '%{http_code}\\n' "
        f"'{URL}/model?n=[1-300]' | sort | uniq -c"
    )
    resident = "awk '/^VmRSS/ { print $2 }' /proc/1/status"
    first = container.exec(f"{rush}; {resident}").stdout.split()
    second = container.exec(f"{rush}; {resident}").stdout.split()
    assert (first[:2], second[:2]) == (["300", "200"], ["300", "200"])
    grown = int(second[2]) - int(first[2])
    assert grown < 8 * 1024, f"by {grown} kB within 300 requests"


@pytest.mark.timeout(60)
def test_it_stops_in_order_and_comes_back(container, digest):
    """It ends by itself when asked to, and says the same after a start"""
    before = digest()
    container.stop()
    status = container.state.exit_code
    container.start()
    container.wait_until_ready(60)
    assert status == 0, "it had to be killed, or it failed"
    assert digest() == before
