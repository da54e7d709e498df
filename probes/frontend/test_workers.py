"""What operations do to Unicorn: renew its workers, lose them, add some, stop it, push it hard."""

import uuid

import pytest

URL = "http://localhost:8080"
CHILDREN = "cat /proc/1/task/1/children"
#: Sass that never ends: it keeps a worker busy until somebody kills it.
ENDLESS = "@while true { }"


@pytest.fixture
def token():
    """A word that is in no other request; safe in a shell as it is."""
    return f"probe{uuid.uuid4().hex}"


@pytest.fixture
def workers(container):
    """The numbers of the processes that answer requests."""
    return lambda: set(container.exec(CHILDREN).stdout.split())


@pytest.fixture
def answers(container):
    """Whether it answers one request."""
    ask = f"timeout 10 curl -fsS -o /dev/null {URL}/healthz"
    return lambda: container.exec(ask).rc == 0


def test_a_visitor_on_the_machine_gets_the_page(outside, container):
    """A visitor on the machine gets the page on the published port"""
    address, port = container.address("http")
    ask = f'exec 3<>/dev/tcp/{address}/{port}; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3'
    answered = outside.run("timeout 10 bash -c %s", ask)
    assert "200 OK" in answered.stdout, answered.stderr
    assert "Welcome, visitor" in answered.stdout


def test_every_request_can_be_followed_in_the_log(container, token, eventually):
    """Each request is in the engine's log from start to end, without the password in it"""
    container.exec(
        f"timeout 10 curl -sS -o /dev/null -H 'X-Request-Id: {token}' "
        f"'{URL}/?name=dana&password=secret{token}'"
    )

    def lines():
        found = [line for line in container.logs().splitlines() if line.startswith(f"[{token}]")]
        return found if any("Completed 200 OK" in line for line in found) else []

    found = eventually(lines)
    assert found, "nothing, or not to its end"
    assert "Started GET" in found[0]
    assert any('"password"=>"[FILTERED]"' in line for line in found)


@pytest.mark.timeout(90)
def test_workers_are_renewed_without_a_lost_request(container, workers, eventually):
    """Told to by a signal it renews its workers, and every request is answered meanwhile"""
    before = workers()
    assert len(before) == 2
    # One request is being worked on when the signal comes.
    asked = container.exec(
        f"timeout 20 curl -s -o /dev/null -w '%{{http_code}}\\n' '{URL}/slow?seconds=1' & "
        "for n in $(seq 40); do [ $n != 10 ] || kill -HUP 1; "
        f"timeout 20 curl -s -o /dev/null -w '%{{http_code}}\\n' {URL}/about; done; wait"
    )
    assert asked.stdout.split() == ["200"] * 41
    renewed = eventually(
        lambda: len(workers() - before) == 2 and not workers() & before, seconds=20
    )
    assert renewed, "the workers are the old ones"


@pytest.mark.timeout(60)
def test_a_worker_that_dies_is_replaced(workers, container, answers, eventually):
    """A worker that is killed is replaced, and it answers again"""
    before = workers()
    assert before, "there are no workers"
    container.exec(f"kill -9 {' '.join(before)}")
    assert eventually(lambda: len(workers()) == 2 and not workers() & before, seconds=20)
    assert eventually(answers, seconds=20)


@pytest.mark.timeout(90)
def test_a_worker_that_hangs_is_replaced(container, workers, answers, eventually):
    """A worker that never finishes is killed and replaced; the others go on answering"""
    before = workers()
    container.host.run(
        f"(timeout 60 curl -sS -H 'Content-Type: text/x-scss' --data-raw '{ENDLESS}' "
        f"{URL}/styles) > /dev/null 2>&1 &"
    )
    assert answers()
    assert eventually(lambda: len(workers()) == 2 and workers() - before, seconds=40)
    assert eventually(answers, seconds=20)
    assert "timeout" in container.logs()


@pytest.mark.timeout(60)
def test_workers_can_be_added_and_taken_away(container, workers, eventually):
    """One signal adds a worker, another takes it away again"""
    assert len(workers()) == 2
    container.exec("kill -TTIN 1")
    more = eventually(lambda: len(workers()) == 3, seconds=20)
    container.exec("kill -TTOU 1")
    less = eventually(lambda: len(workers()) == 2, seconds=20)
    assert (more, less) == (True, True)


@pytest.mark.timeout(60)
def test_it_finishes_what_was_asked_before_it_stops(container, answers, eventually):
    """Told to stop, it answers what it was asked before, ends by itself, and comes back"""
    container.host.run(
        "for n in 1 2; do "
        f"timeout 20 curl -s -o /dev/null '{URL}/slow?seconds=3' > /dev/null 2>&1 & done"
    )
    started = eventually(lambda: container.logs().count('Started GET "/slow?seconds=3"') == 2)
    container.stop()
    status = container.state.exit_code
    container.start()
    container.wait_until_ready(40)
    assert started, "the requests did not reach it"
    assert status == 0, "it had to be killed, or it failed"
    assert container.logs().count('"GET /slow?seconds=3 HTTP/1.1" 200') == 2
    assert answers()


@pytest.mark.timeout(90)
def test_a_rush_of_visitors_is_served(container):
    """A rush of visitors is served without an error"""
    rush = container.exec(
        "timeout 60 curl -s --parallel --parallel-max 20 -o /dev/null -w '%{http_code}\\n' "
        f"'{URL}/?name=[1-300]' | sort | uniq -c"
    )
    assert rush.stdout.split() == ["300", "200"]
    state = container.state
    assert state.running
    assert not state.oom_killed
