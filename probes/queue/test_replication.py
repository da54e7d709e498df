"""Three Redis hold the same items, and three sentinels watch them."""

import uuid

import pytest

SERVERS = ("queue", "replica-1", "replica-2")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")


@pytest.fixture
def key():
    """A key that no other probe uses; safe in a shell as it is."""
    return f"probe:{uuid.uuid4().hex}"


@pytest.fixture
def redis(host):
    """Send one command to a server; gives the answer's lines."""

    def send(server, *words):
        port = 26379 if server in SENTINELS else 6379
        quoted = " ".join(["%s"] * len(words))
        done = host.run(f"timeout 5 redis-cli -e -h {server} -p {port} {quoted}", *words)
        assert done.rc == 0, f"{server}: {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout.splitlines()

    return send


@pytest.fixture
def master(redis):
    """Name of the Redis that is written to now, as they say themselves."""
    names = [server for server in SERVERS if redis(server, "role")[0] == "master"]
    assert len(names) == 1, f"writable: {', '.join(names) or 'none'}"
    return names[0]


@pytest.fixture
def replicas(master):
    """Names of the two that follow it."""
    return [server for server in SERVERS if server != master]


def test_two_replicas_confirm_a_write(host, master, key):
    """Both replicas confirm a write"""
    confirmed = host.run(
        f"printf 'SET {key} item\\nWAIT 2 4000\\n' | timeout 8 redis-cli -h {master}"
    )
    assert confirmed.stdout.split() == ["OK", "2"]


def test_replicas_hold_what_the_master_was_given(redis, master, replicas, key, eventually):
    """Each replica holds the items that the master was given"""
    redis(master, "rpush", key, "first", "second")
    for replica in replicas:
        held = eventually(lambda server=replica: redis(server, "lrange", key, "0", "-1"))
        assert held == ["first", "second"], replica


def test_replicas_refuse_to_be_written_to(host, replicas, key):
    """A replica refuses to be written to"""
    for replica in replicas:
        refused = host.run(f"timeout 5 redis-cli -h {replica} set {key} item")
        assert "READONLY" in refused.stdout, replica


def test_a_message_reaches_listeners_on_a_replica(host, master, replicas, key):
    """A message sent to the master reaches listeners on a replica"""
    heard = host.run(
        f"(sleep 0.7; timeout 5 redis-cli -h {master} publish {key} news) >/dev/null 2>&1 & "
        f"timeout 3 redis-cli -h {replicas[0]} subscribe {key}"
    )
    assert heard.stdout.split()[-3:] == ["message", key, "news"]


def test_sentinels_name_the_same_master(redis, master):
    """All three sentinels name the same master, and it is the one that is written to"""
    named = [redis(name, "sentinel", "get-master-addr-by-name", "main") for name in SENTINELS]
    assert named[0] == named[1] == named[2]
    address, port = named[0]
    assert redis(master, "config", "get", "port")[1] == port
    assert redis(address, "info", "server") != []
    identity = [line for line in redis(address, "info", "server") if line.startswith("run_id")]
    assert identity == [
        line for line in redis(master, "info", "server") if line.startswith("run_id")
    ]


def test_sentinels_could_agree_on_a_failover(redis, eventually):
    """The sentinels know each other and could replace the master"""
    for name in SENTINELS:
        answer = eventually(
            lambda sentinel=name: [
                line
                for line in redis(sentinel, "sentinel", "ckquorum", "main")
                if line.startswith("OK 3 usable Sentinels")
            ],
            seconds=20,
        )
        assert answer, name


def test_sentinels_watch_both_replicas(redis, eventually):
    """Every sentinel watches a healthy master with two replicas"""

    def watched(sentinel):
        words = redis(sentinel, "sentinel", "master", "main")
        facts = dict(zip(words[::2], words[1::2], strict=False))
        return facts["flags"], facts["num-slaves"]

    for name in SENTINELS:
        assert eventually(lambda sentinel=name: watched(sentinel) == ("master", "2"), seconds=20), (
            name
        )
