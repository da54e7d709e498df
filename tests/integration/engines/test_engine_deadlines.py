"""An engine that hangs, trickles or hangs up: a socket of ours that answers as it is told."""

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from builders.engines import PATIENCE_SECONDS, open_when_ready
from builders.stopwatch import Stopwatch

from matrix.core.errors import (
    DeadlineExceeded,
    EngineError,
    EngineLost,
    EngineUnavailable,
    PortTaken,
)
from matrix.engines import open_engine

SECONDS = 0.5
PATIENT = {"operation_seconds": PATIENCE_SECONDS}
VERSION = json.dumps({"ApiVersion": "1.41", "MinAPIVersion": "1.12"}).encode()


def answer(body, *, status="200 OK", length=None):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n"
    return head.encode() + b"Content-Type: application/json\r\n\r\n" + body


@contextmanager
def an_engine(path, reply):
    """Answers /version; every other request goes to *reply*, with the connection to answer on."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(16)
    held, threads = [], []

    def serve(connection):
        # A client that gives up resets the connection whenever it likes: that ends this, no more.
        with connection, suppress(OSError):
            while request := connection.recv(65536):
                if request.startswith(b"GET /version "):
                    connection.sendall(answer(VERSION))
                elif reply(connection, request) is None:
                    return

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield path
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for connection in held:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "engine.sock"


@contextmanager
def opened(path, **options):
    engine = open_when_ready("docker", path, **{"operation_seconds": SECONDS, **options})
    try:
        yield engine
    finally:
        engine.close()


def trickle(connection, _):
    for byte in answer(b"{}" * 1000):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def stay_mute(connection, _):
    while connection.recv(65536):
        pass


def hang_up(_, __):
    return


def hang_up_in_the_middle(connection, _):
    connection.sendall(answer(b'{"Id": "x", ', length=5000))


OPERATIONS = [
    pytest.param(lambda engine: engine.inspect_container("x"), id="inspect"),
    pytest.param(lambda engine: engine.control("x", "start"), id="control"),
    pytest.param(lambda engine: engine.list_objects(label="x"), id="list"),
    pytest.param(lambda engine: engine.logs("x", tail=1, cap_bytes=10), id="logs"),
    pytest.param(lambda engine: engine.copy_out("x", "/x", cap_bytes=10), id="copy"),
    pytest.param(lambda engine: engine.open_exec("x", ["sh"]), id="exec"),
    pytest.param(lambda engine: engine.attach("x"), id="attach"),
    pytest.param(lambda engine: list(engine.save_image("x", seconds=SECONDS)), id="save"),
    pytest.param(lambda engine: engine.load_image([b"x"], "x", seconds=SECONDS), id="load"),
    pytest.param(lambda engine: engine.remove_object("container", "x"), id="remove"),
]


@pytest.mark.parametrize("operate", OPERATIONS)
@pytest.mark.parametrize("reply", [stay_mute, trickle], ids=["mute", "a byte now and then"])
def test_an_operation_ends_at_its_deadline_whatever_the_engine_does(path, operate, reply):
    with an_engine(path, reply), opened(path) as engine:
        with Stopwatch() as took, pytest.raises((DeadlineExceeded, EngineError)):
            operate(engine)
        # docker-py's own operations round the deadline up to a whole second.
        assert took.seconds < 3 * 1.0


@pytest.mark.parametrize("operate", OPERATIONS)
@pytest.mark.parametrize(
    "reply", [hang_up, hang_up_in_the_middle], ids=["at once", "in the middle"]
)
def test_an_engine_that_hangs_up_is_lost(path, operate, reply):
    with (
        an_engine(path, reply),
        opened(path, **PATIENT) as engine,
        pytest.raises(EngineLost),
    ):
        operate(engine)


def test_an_engine_that_is_mute_from_the_start_is_no_engine(path):
    with an_engine(path, stay_mute):
        listener = path.with_name("mute.sock")
        mute = socket.socket(socket.AF_UNIX)
        mute.bind(str(listener))
        mute.listen(1)
        with Stopwatch() as took, pytest.raises(DeadlineExceeded):
            open_engine("docker", listener, operation_seconds=SECONDS)
        mute.close()
        assert took.seconds < 3 * SECONDS


def test_a_socket_that_nobody_listens_on_is_an_engine_unavailable(tmp_path):
    with pytest.raises(EngineUnavailable, match=r"opening docker on .*No such file"):
        open_engine("docker", tmp_path / "none.sock")


def test_something_else_behind_the_socket_is_an_engine_unavailable(path):
    def web_page(connection, _):
        connection.sendall(answer(b"<html>"))
        return True

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)

    def serve():
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            web_page(connection, b"")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with pytest.raises(EngineError):
        open_engine("docker", path, operation_seconds=PATIENCE_SECONDS)
    thread.join(PATIENCE_SECONDS)
    listener.close()


def test_no_more_connections_are_opened_than_allowed(path):
    connections = set()

    def inspect(connection, _):
        connections.add(connection.fileno())
        time.sleep(0.02)
        connection.sendall(answer(b'{"Id": "x"}'))
        return True

    with an_engine(path, inspect), opened(path, connections=2, **PATIENT) as engine:
        threads = [threading.Thread(target=engine.inspect_container, args=("x",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 1 <= len(connections) <= 2


def test_waiting_for_a_connection_ends_too(path):
    with an_engine(path, stay_mute), opened(path, connections=1) as engine:
        errors = []

        def inspect():
            try:
                engine.inspect_container("x")
            except EngineError as error:
                errors.append(error)
            except DeadlineExceeded as error:
                errors.append(error)

        threads = [threading.Thread(target=inspect) for _ in range(3)]
        with Stopwatch() as took:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(errors) == 3
        assert took.seconds < 3 * 2 * SECONDS


def exec_engine(connection, request):
    """An exec whose stream ends in the middle of a frame."""
    if b"/exec/" in request.split(b"\r\n", 1)[0]:
        connection.sendall(
            b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n" + b"\x01\0\0\0\0\0\0\x09half"
        )
        return None
    connection.sendall(answer(b'{"Id": "e1"}', status="201 Created"))
    return True


def test_an_exec_that_ends_inside_a_frame_is_a_lost_engine(path):
    with an_engine(path, exec_engine), opened(path, **PATIENT) as engine:
        stream = engine.open_exec("x", ["sh"])
        assert stream.receive(deadline_seconds=PATIENCE_SECONDS).data == b"half"
        with pytest.raises(EngineLost, match="middle of a frame"):
            stream.receive(deadline_seconds=PATIENCE_SECONDS)


def test_a_taken_port_is_told_with_its_owner(path):
    """E15, though ours are chosen by the engine."""
    words = b'{"message": "Bind for 127.0.0.1:8080 failed: port is already allocated"}'
    owner = b'[{"Names": ["/shop"], "Ports": [{"PublicPort": 8080, "PrivatePort": 80}]}]'

    def taken(connection, request):
        refuse = b"/start" in request.split(b"\r\n", 1)[0]
        connection.sendall(answer(words, status="500 Error") if refuse else answer(owner))
        return True

    with (
        an_engine(path, taken),
        opened(path, **PATIENT) as engine,
        pytest.raises(PortTaken, match="port 8080 is published by container shop"),
    ):
        engine.control("x", "start")


def test_an_answer_without_end_is_cut_off(path, monkeypatch):
    monkeypatch.setattr("matrix.engines.api.ANSWER_CAP_BYTES", 100_000)

    def flood(connection, _):
        connection.sendall(answer(b"[" * 1_000_000))
        return True

    with (
        an_engine(path, flood),
        opened(path, **PATIENT) as engine,
        pytest.raises(EngineError, match="longer than 100000 bytes"),
    ):
        engine.inspect_container("x")
