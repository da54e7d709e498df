"""What operations do to the analytics DB: watch it, kill it, start it again."""

import uuid

import pytest

# A session of Hive is opened: TCLIService.OpenSession, protocol version 5, in Thrift's binary form.
OPEN_SESSION = (
    "\\x80\\x01\\x00\\x01\\x00\\x00\\x00\\x0bOpenSession\\x00\\x00\\x00\\x01"
    "\\x0c\\x00\\x01\\x08\\x00\\x01\\x00\\x00\\x00\\x04\\x00\\x00"
)
# A cold start takes some ten seconds, several times that on a slow machine.
START_SECONDS = 200


@pytest.fixture
def token():
    """A word that nothing else is called; safe in a shell and in SQL as it is."""
    return f"probe_{uuid.uuid4().hex}"


@pytest.fixture
def hive(container):
    """Send statements to Hive over Thrift; gives the lines of the answers."""

    def run(*statements):
        quoted = " ".join(f"'{one}'" for one in statements)
        done = container.exec(f"timeout 90 hive-query {quoted}")
        assert done.rc == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_a_client_on_the_machine_opens_a_session(outside, container):
    """A client on the machine opens a session with Hive on the published port"""
    address, port = container.address("hive")
    talk = f"exec 3<>/dev/tcp/{address}/{port}; printf '{OPEN_SESSION}' >&3"
    answered = outside.run("timeout 20 bash -c %s", f"{talk}; head -c 19 <&3 | tail -c 11")
    assert answered.stdout == "OpenSession", answered.stderr


def test_a_client_on_the_machine_lists_files(outside, container):
    """A client on the machine lists the files over HTTP"""
    address, port = container.address("webhdfs")
    ask = "GET /webhdfs/v1/?op=LISTSTATUS HTTP/1.0\\r\\n\\r\\n"
    talk = f"exec 3<>/dev/tcp/{address}/{port}; printf '{ask}' >&3; timeout 15 cat <&3"
    answered = outside.run("timeout 20 bash -c %s", talk)
    assert '{"FileStatuses":' in answered.stdout, answered.stderr


def test_a_new_file_is_in_the_log(container, token, eventually):
    """A file that is written is in the log that the engine keeps"""
    address = f"http://localhost:50070/webhdfs/v1/tmp/{token}?op=CREATE&user.name=analytics"
    container.exec(f"timeout 20 curl -sSL -X PUT -d words '{address}'")
    line = f"DIR* completeFile: /tmp/{token} is closed"
    assert eventually(lambda: line in container.logs())


@pytest.mark.timeout(300)
def test_it_stops_in_order_and_finds_its_tables(container, hive, token):
    """It ends by itself when asked to, and finds its tables after a start"""
    hive(f"CREATE TABLE {token} (n INT)", f"INSERT INTO TABLE {token} VALUES (40), (2)")
    container.stop()
    assert container.state.exit_code == 0, "it had to be killed, or it failed"
    container.start()
    container.wait_until_ready(START_SECONDS)
    assert hive(f"SELECT SUM(n) FROM {token}") == ["42"]


@pytest.mark.timeout(300)
def test_the_loss_of_one_server_is_not_hidden(container, hive, token, eventually):
    """When one of its servers is killed the container ends, and a start finds its tables"""
    hive(f"CREATE TABLE {token} (n INT)", f"INSERT INTO TABLE {token} VALUES (40), (2)")
    server = "org.apache.hadoop.hdfs.server.datanode.DataNode"
    try:
        container.exec(
            f"for p in /proc/[0-9]*; do grep -qs {server} $p/cmdline && kill -9 ${{p#/proc/}}; done"
        )
        ended = eventually(lambda: not container.state.running, seconds=60)
        status = container.state.exit_code
    finally:
        # Also when it did not end: half of it is of no use to the next probe.
        container.stop()
        container.start()
    container.wait_until_ready(START_SECONDS)
    assert ended, "it goes on without the server"
    assert status == 1
    assert hive(f"SELECT SUM(n) FROM {token}") == ["42"]
