"""What operations do to a site: reach it, read its log, renew it, push it hard, stop it."""

import json
import uuid

import pytest

SITE = "https://localhost:8443"
#: Processes that nginx's master has started, one number a line.
WORKERS = "cat /proc/1/task/1/children | tr ' ' '\\n' | grep ."


@pytest.fixture
def token():
    """A word that is in no other request."""
    return f"probe{uuid.uuid4().hex}"


@pytest.fixture
def browse(outside, container):
    """Ask for a page from the machine, by the published port and with the site's certificate."""

    def ask(port_name, path, options="", *, scheme="https"):
        address, port = container.address(port_name)
        certificate = container.exec("cat /run/web/tls.crt").stdout
        done = outside.run(
            "echo %s | timeout 8 curl -sS --cacert /dev/stdin "
            f"--resolve localhost:{port}:{address} {options} %s",
            certificate,
            f"{scheme}://localhost:{port}{path}",
        )
        assert done.rc == 0, done.stderr
        return done.stdout

    return ask


@pytest.fixture
def workers(container):
    """The numbers of the processes that answer requests."""
    return lambda: set(container.exec(WORKERS).stdout.split())


def test_a_browser_on_the_machine_gets_the_page(browse):
    """A browser on the machine gets the page on the published port"""
    assert "It works here" in browse("https", "/")


def test_the_plain_port_leads_to_tls(browse):
    """The published plain port sends browsers to TLS"""
    answer = browse("http", "/", "-o /dev/null -w '%%{http_code}'", scheme="http")
    assert answer == "301"


def test_every_request_is_a_line_in_the_log(browse, container, token, eventually):
    """Each request is a line in the log that the engine keeps"""
    browse("https", f"/{token}.html", "-o /dev/null")

    def lines():
        asked = f'"GET /{token}.html HTTP/2.0" 404 '
        return [line for line in container.logs().splitlines() if asked in line]

    assert len(eventually(lines)) == 1


def test_a_blocked_attack_is_told_in_the_log(browse, container, token, eventually):
    """A blocked attack is told in the log, with the rule that it broke"""
    attack = f"/?{token}=1%27%20OR%20%271%27=%271"
    assert browse("https", attack, "-o /dev/null -w '%%{http_code}'") == "403"

    def audits():
        return [
            json.loads(line)
            for line in container.logs().splitlines()
            if line.startswith("{") and token in line
        ]

    found = eventually(audits)
    assert len(found) == 1
    broken = {message["details"]["ruleId"] for message in found[0]["transaction"]["messages"]}
    assert any(rule.startswith("942") for rule in broken), broken


@pytest.mark.timeout(60)
def test_a_new_configuration_costs_no_request(container, workers, eventually):
    """A new configuration is taken over while every request is answered"""
    # Who has connected but not asked yet when the old worker goes has to ask again, as any
    # browser does by itself.
    before = workers()
    asked = container.exec(
        "for n in $(seq 40); do [ $n != 15 ] || kill -HUP 1; "
        "timeout 8 curl -s -o /dev/null -w '%{http_code}\\n' --cacert /run/web/tls.crt "
        f"--retry 2 --retry-all-errors --retry-delay 1 {SITE}/; done"
    )
    assert asked.stdout.split() == ["200"] * 40
    assert eventually(lambda: workers() and not workers() & before), "the workers are the old ones"


def test_a_worker_that_dies_is_replaced(container, workers, eventually):
    """A process that dies is replaced, and the site answers again"""
    before = workers()
    assert before, "nginx has no workers"
    container.exec(f"kill -9 {' '.join(before)}")
    assert eventually(lambda: workers() and not workers() & before)
    ask = f"timeout 8 curl -fsS -o /dev/null --cacert /run/web/tls.crt {SITE}/"
    assert eventually(lambda: container.exec(ask).rc == 0)


@pytest.mark.requires(**{"engine.memory_limit": True})
@pytest.mark.timeout(60)
def test_a_rush_of_readers_is_served_within_its_memory(container):
    """A rush of readers is served, within the memory it declares"""
    rush = container.exec(
        "timeout 40 curl -s --parallel --parallel-max 20 --cacert /run/web/tls.crt "
        f"-o /dev/null -w '%{{http_code}}\\n' '{SITE}/about.html?reader=[1-400]' | sort | uniq -c"
    )
    assert rush.stdout.split() == ["400", "200"]
    stats = container.stats()
    assert stats["memory_bytes"] < stats["memory_limit_bytes"]
    assert not container.state.oom_killed


@pytest.mark.timeout(60)
def test_it_stops_in_order_and_comes_back(container, browse):
    """It ends by itself when asked to, and serves the same page after a start"""
    container.stop()
    state = container.state
    assert not state.running
    assert state.exit_code == 0, "it had to be killed, or it failed"
    container.start()
    container.wait_until_ready(30)
    assert "It works here" in browse("https", "/")
