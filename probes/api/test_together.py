"""What operations do to the endpoint and what it depends on: restart, freeze, watch."""

import json
import uuid

import pytest

#: Stands between two answers that came in one.
BETWEEN = "=" * 8


@pytest.fixture
def token():
    """A word that is in no other order; safe in a shell as it is."""
    return f"probe{uuid.uuid4().hex}"


def request(path, body=None):
    """The command that sends it from beside the service and prints the body, then the status."""
    data = "" if body is None else f"-d '{json.dumps(body)}'"
    return f"timeout 20 curl -sS -w '\\n%{{http_code}}\\n' {data} http://localhost:8000{path}"


def answer_in(printed):
    """The HTTP status and the JSON in what ``request`` printed."""
    answer, _, status = printed.strip().rpartition("\n")
    assert status.isdigit(), printed
    # An error that the service did not foresee is answered in HTML.
    return int(status), json.loads(answer) if answer.startswith("{") else {"text": answer}


@pytest.fixture
def ask(container):
    """Send one request from beside the service; gives the HTTP status and the JSON."""

    def send(path, body=None):
        done = container.exec(request(path, body))
        assert done.rc == 0, done.stderr
        return answer_in(done.stdout)

    return send


@pytest.fixture
def order_and_health(container):
    """Place an order and ask for the health at the same time, since both wait for what is frozen;
    gives both answers."""

    def send(item):
        order = request("/orders", {"item": item, "quantity": 1})
        done = container.exec(
            f'{order} & health=$({request("/healthz")}); wait $!; echo {BETWEEN}; echo "$health"'
        )
        assert done.rc == 0, done.stderr
        ordered, _, health = done.stdout.partition(BETWEEN)
        return answer_in(ordered), answer_in(health)

    return send


@pytest.fixture
def place(ask):
    """Place an order; gives it as it was answered."""

    def order(item):
        status, answer = ask("/orders", {"item": item, "quantity": 1})
        assert status == 201, answer
        return answer

    return order


@pytest.fixture
def rows(container):
    """How many rows there are for an item, as the database itself says."""

    def count(item):
        query = f"psql -XAtc \"SELECT count(*) FROM orders WHERE item = '{item}'\" postgres"
        done = container.companion("db").exec(f"timeout 10 {query}")
        assert done.rc == 0, done.stderr
        return int(done.stdout)

    return count


@pytest.fixture
def jobs(container):
    """The ids of the jobs that wait in the queue, as the queue itself says."""

    def waiting():
        done = container.companion("queue").exec("timeout 5 redis-cli -e lrange celery 0 -1")
        assert done.rc == 0, done.stdout
        return {json.loads(line)["headers"]["id"] for line in done.stdout.splitlines() if line}

    return waiting


def test_a_client_on_the_machine_places_an_order(outside, container, rows, token):
    """A client on the machine places an order on the published port"""
    address, port = container.address("http")
    sent = outside.run(
        "timeout 20 curl -sS -o /dev/null -w '%%{http_code}' -d %s %s",
        json.dumps({"item": token, "quantity": 1}),
        f"http://{address}:{port}/orders",
    )
    assert sent.stdout == "201", sent.stderr
    assert rows(token) == 1


def test_every_request_is_a_line_in_the_log(container, ask, token, eventually):
    """Each request is a line in the log that the engine keeps"""
    ask(f"/orders?item={token}")
    line = f'"GET /orders?item={token} HTTP/1.1" 200'
    assert eventually(lambda: container.logs().count(line)) == 1


@pytest.mark.requires(**{"engine.pause": True})
@pytest.mark.timeout(60)
def test_without_the_queue_an_order_leaves_no_row(container, order_and_health, place, rows, token):
    """While the queue is frozen an order is refused and leaves no row"""
    queue = container.companion("queue")
    queue.pause()
    try:
        ordered, health = order_and_health(token)
        assert ordered == (503, {"error": "the queue does not answer"})
        assert health == (503, {"database": "ok", "queue": "gone"})
        assert rows(token) == 0
    finally:
        queue.unpause()
    place(token)
    assert rows(token) == 1


@pytest.mark.requires(**{"engine.pause": True})
@pytest.mark.timeout(60)
def test_without_the_database_an_order_leaves_no_job(
    container, order_and_health, place, jobs, token
):
    """While the database is frozen an order is refused and leaves no job"""
    database = container.companion("db")
    before = jobs()
    database.pause()
    try:
        ordered, health = order_and_health(token)
        assert ordered == (503, {"error": "the database does not answer"})
        assert health == (503, {"database": "gone", "queue": "ok"})
        assert jobs() == before
    finally:
        database.unpause()
    assert place(token)["job"] in jobs()


@pytest.mark.timeout(60)
def test_orders_survive_a_restart_of_the_database(container, ask, place, token):
    """Orders are there after the database was restarted, with no restart of the endpoint"""
    placed = place(token)
    started = container.state.started_at
    container.companion("db").restart()
    container.companion("db").wait_until_ready(40)
    assert ask(f"/orders/{placed['id']}")[1].get("item") == token
    assert container.state.started_at == started


@pytest.mark.timeout(60)
def test_jobs_survive_a_kill_of_the_queue(container, place, jobs, token):
    """Jobs are there after the queue was killed, and new ones are taken"""
    waiting = place(token)["job"]
    queue = container.companion("queue")
    queue.kill()
    queue.start()
    queue.wait_until_ready(30)
    assert waiting in jobs()
    assert place(token)["job"] in jobs()


def test_a_worker_that_dies_is_replaced(container, ask, place, token, eventually):
    """A process that dies is replaced, and the endpoint answers again"""
    children = "cat /proc/1/task/1/children"
    before = set(container.exec(children).stdout.split())
    assert before, "the endpoint has no workers"
    container.exec(f"kill -9 {' '.join(before)}")
    now = eventually(lambda: set(container.exec(children).stdout.split()) - before, seconds=20)
    assert now, "nobody came in their place"
    place(token)


@pytest.mark.timeout(60)
def test_it_stops_in_order_and_comes_back(container, ask, place, token):
    """It ends by itself when asked to, and finds the orders after a start"""
    placed = place(token)
    container.stop()
    assert container.state.exit_code == 0, "it had to be killed, or it failed"
    container.start()
    container.wait_until_ready(40)
    assert ask(f"/orders/{placed['id']}")[1].get("item") == token
