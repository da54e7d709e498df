# -*- coding: utf-8 -*-
"""Orders: each is a row in the database and a job in the queue, both or neither."""
from __future__ import unicode_literals

import os
import uuid
from contextlib import closing

import psycopg2
import psycopg2.extensions
import redis
from celery import Celery
from flask import Flask, abort, jsonify, request, url_for
from kombu.exceptions import OperationalError as QueueError

# Python 2: text from the database is unicode, not bytes.
psycopg2.extensions.register_type(psycopg2.extensions.UNICODE)

DATABASE_URL = os.environ["DATABASE_URL"]
QUEUE_URL = os.environ["QUEUE_URL"]
WAIT_SECONDS = 2
TASK = "orders.prepare"

application = Flask("api")
application.config["JSON_AS_ASCII"] = False
queue = redis.StrictRedis.from_url(
    QUEUE_URL, socket_timeout=WAIT_SECONDS, socket_connect_timeout=WAIT_SECONDS
)
jobs = Celery("api", broker=QUEUE_URL, backend=QUEUE_URL)
# No pool, hardly a retry: a queue that is gone is an answer, not something to wait for.
jobs.conf.update(
    broker_pool_limit=None,
    broker_transport_options={
        "socket_timeout": WAIT_SECONDS,
        "socket_connect_timeout": WAIT_SECONDS,
        "max_retries": 1,
        "interval_start": 0,
    },
    redis_socket_timeout=WAIT_SECONDS,
    redis_socket_connect_timeout=WAIT_SECONDS,
    task_publish_retry=False,
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
)


def database():
    """A connection of its own for one request."""
    return psycopg2.connect(DATABASE_URL, connect_timeout=WAIT_SECONDS)


def order_from(body):
    """The item and the quantity in a request; answers 400 when they are not there."""
    if not isinstance(body, dict):
        abort(400, "send an object with item and quantity")
    item, quantity = body.get("item"), body.get("quantity")
    if not isinstance(item, type("")) or not 1 <= len(item) <= 200:
        abort(400, "item must be a text of 1 to 200 characters")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 0 < quantity < 10000:
        abort(400, "quantity must be a number from 1 to 9999")
    return item, quantity


def shown(row):
    """An order as it is answered."""
    number, item, quantity, job = row
    return {"id": number, "item": item, "quantity": quantity, "job": job}


@application.route("/orders", methods=["POST"])
def create():
    item, quantity = order_from(request.get_json(force=True, silent=True))
    queue.ping()
    job = "{}".format(uuid.uuid4())
    with closing(database()) as connection:
        # Committed when the block ends, so a job that was refused leaves no row.
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO orders (item, quantity, job) VALUES (%s, %s, %s) RETURNING id",
                (item, quantity, job),
            )
            number = cursor.fetchone()[0]
            jobs.send_task(TASK, args=[number], task_id=job)
    answer = jsonify(shown((number, item, quantity, job)))
    return answer, 201, {"Location": url_for("read", number=number)}


@application.route("/orders")
def search():
    with closing(database()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, item, quantity, job FROM orders WHERE item = %s ORDER BY id",
            (request.args.get("item", ""),),
        )
        return jsonify(orders=[shown(row) for row in cursor.fetchall()])


@application.route("/orders/<int:number>")
def read(number):
    with closing(database()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, item, quantity, job FROM orders WHERE id = %s", (number,))
        row = cursor.fetchone()
    if row is None:
        abort(404, "there is no such order")
    order = shown(row)
    result = jobs.AsyncResult(order["job"])
    return jsonify(dict(order, state=result.state, result=result.result))


@application.route("/healthz")
def health():
    found = {"database": "ok", "queue": "ok"}
    try:
        with closing(database()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        found["database"] = "gone"
    try:
        queue.ping()
    except redis.RedisError:
        found["queue"] = "gone"
    return jsonify(found), 200 if set(found.values()) == {"ok"} else 503


@application.errorhandler(psycopg2.OperationalError)
def database_is_gone(error):
    return jsonify(error="the database does not answer"), 503


@application.errorhandler(redis.RedisError)
@application.errorhandler(QueueError)
def queue_is_gone(error):
    return jsonify(error="the queue does not answer"), 503


@application.errorhandler(400)
@application.errorhandler(404)
def refused(error):
    return jsonify(error=error.description), error.code
