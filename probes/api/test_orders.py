"""What a client does with the endpoint: place orders and read them back."""

import json
import re
import uuid

import pytest

API = "http://localhost:8000"


@pytest.fixture
def token():
    """A word that is in no other order; safe in a shell as it is."""
    return f"probe{uuid.uuid4().hex}"


@pytest.fixture
def ask(host):
    """Send one request; gives the HTTP status and the JSON of the answer."""

    def send(path, body=None, options=""):
        data = "" if body is None else "--data-binary %s"
        done = host.run(
            f"timeout 20 curl -sS -w '\\n%%{{http_code}}' {options} {data} %s",
            *([] if body is None else [body]),
            f"{API}{path}",
        )
        assert done.rc == 0, done.stderr
        answer, _, status = done.stdout.rpartition("\n")
        assert status.isdigit(), done.stdout
        # An error that the service did not foresee is answered in HTML.
        return int(status), json.loads(answer) if answer.startswith("{") else {"text": answer}

    return send


@pytest.fixture
def place(ask):
    """Place an order; gives it as it was answered."""

    def order(item, quantity=1):
        status, answer = ask("/orders", json.dumps({"item": item, "quantity": quantity}))
        assert status == 201, answer
        return answer

    return order


@pytest.fixture
def python(host):
    """Run a few lines with the service's own Python and libraries."""

    def run(lines):
        done = host.run("timeout 10 python2.7 -c %s", lines)
        assert done.rc == 0, done.stderr
        return done.stdout.strip()

    return run


def test_it_says_that_all_it_needs_is_there(ask):
    """It says that the database and the queue answer"""
    assert ask("/healthz") == (200, {"database": "ok", "queue": "ok"})


def test_an_order_can_be_read_back(ask, place, token):
    """An order is stored and can be read back"""
    placed = place(token, 3)
    status, order = ask(f"/orders/{placed['id']}")
    assert status == 200
    assert (order.get("item"), order.get("quantity"), order.get("job")) == (token, 3, placed["job"])


def test_an_order_is_a_row_in_the_database(host, place, token):
    """An order is a row that psql finds"""
    placed = place(token, 7)
    query = f"SELECT id, quantity FROM orders WHERE item = '{token}'"
    found = host.run('timeout 10 psql "$DATABASE_URL" -XAtc %s', query)
    assert found.stdout.strip() == f"{placed['id']}|7", found.stderr


def test_an_order_is_a_job_in_the_queue(python, place, token):
    """An order is a job in the queue, in the form that a Celery worker takes"""
    placed = place(token)
    waiting = python(
        "import redis; print('\\n'.join(redis.StrictRedis('queue').lrange('celery', 0, -1)))"
    )
    jobs = [json.loads(line)["headers"] for line in waiting.splitlines()]
    found = [(job["task"], job["argsrepr"]) for job in jobs if job["id"] == placed["job"]]
    assert found == [("orders.prepare", f"[{placed['id']}]")]


def test_what_a_worker_finished_is_shown(ask, python, place, token):
    """When a worker has finished the job the order shows its result"""
    placed = place(token)
    assert ask(f"/orders/{placed['id']}")[1].get("state") == "PENDING"
    python(f"import app; app.jobs.backend.store_result('{placed['job']}', 42, 'SUCCESS')")
    order = ask(f"/orders/{placed['id']}")[1]
    assert (order.get("state"), order.get("result")) == ("SUCCESS", 42)


@pytest.mark.parametrize(
    "item",
    ["Grüße aus Köln", "漢字かな交じり文", "☃ 🐳", 'a "quoted" \\ text'],
    ids=["umlauts", "japanese", "symbols", "quotes"],
)
def test_text_in_any_script_survives(ask, place, item):
    """Text in any script comes back as it was sent"""
    placed = place(item)
    assert ask(f"/orders/{placed['id']}")[1].get("item") == item


def test_sql_in_an_order_is_only_text(ask, place, token):
    """SQL in an order or in a search is only text"""
    item = f"{token}'); DROP TABLE orders; --"
    placed = place(item)
    assert ask(f"/orders/{placed['id']}")[1].get("item") == item
    assert ask("/orders?item=x%27%20OR%20%271%27=%271") == (200, {"orders": []})


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        '{"item": "", "quantity": 1}',
        '{"item": "x", "quantity": 0}',
        '{"item": "x", "quantity": "1"}',
        '{"item": "x", "quantity": true}',
        '{"quantity": 1}',
    ],
    ids=["words", "list", "no-name", "zero", "text", "truth", "no-item"],
)
def test_a_wrong_order_is_refused_with_a_reason(ask, body):
    """A wrong order is refused, and told why"""
    status, answer = ask("/orders", body)
    assert status == 400
    assert re.search("send|must", answer.get("error", ""))


def test_an_order_that_is_not_there_is_not_found(ask, place, token):
    """An order that does not exist is not found"""
    place(token)
    assert ask("/orders/999999")[0] == 404


@pytest.mark.timeout(60)
def test_orders_at_the_same_time_do_not_mix(host, ask, token):
    """Twenty orders at the same time become twenty rows"""
    body = json.dumps({"item": token, "quantity": 1})
    # In a rush one may be refused, leaving nothing, and is sent again as every client would.
    sent = host.run(
        "timeout 40 sh -c 'for n in $(seq 20); do curl -sS -o /dev/null --retry 3 "
        f'-w "%%{{http_code}}\\n" -d "$0" {API}/orders & done; wait\' %s',
        body,
    )
    assert sent.stdout.split() == ["201"] * 20
    orders = ask(f"/orders?item={token}")[1].get("orders", [])
    assert len({order["id"] for order in orders}) == 20


def test_the_database_asks_for_the_password(host):
    """The database lets nobody in without the password"""
    wrong = host.run(
        "PGPASSWORD=wrong timeout 10 psql -h db -U postgres -w -XAtc 'SELECT 1' postgres"
    )
    assert wrong.rc != 0
    assert "password authentication failed" in wrong.stderr
