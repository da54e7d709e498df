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


def roles(redis):
    """Name of the Redis that is written to, as they say themselves, and of those that follow."""
    masters = [server for server in SERVERS if redis(server, "role")[0] == "master"]
    assert len(masters) == 1, f"writable: {', '.join(masters) or 'none'}"
    return masters[0], [server for server in SERVERS if server not in masters]


def test_two_replicas_confirm_a_write(host, redis, key):
    """Both replicas confirm a write"""
    master, _ = roles(redis)
    confirmed = host.run(
        f"printf 'SET {key} item\\nWAIT 2 4000\\n' | timeout 8 redis-cli -h {master}"
    )
    assert confirmed.stdout.split() == ["OK", "2"]


def test_replicas_hold_what_the_master_was_given(redis, key, eventually):
    """Each replica holds the items that the master was given"""
    master, replicas = roles(redis)
    redis(master, "rpush", key, "first", "second")
    for replica in replicas:
        held = eventually(lambda server=replica: redis(server, "lrange", key, "0", "-1"))
        assert held == ["first", "second"], replica


def test_replicas_refuse_to_be_written_to(host, redis, key):
    """A replica refuses to be written to"""
    _, replicas = roles(redis)
    for replica in replicas:
        refused = host.run(f"timeout 5 redis-cli -h {replica} set {key} item")
        assert "READONLY" in refused.stdout, replica


def test_a_message_reaches_listeners_on_a_replica(host, redis, key):
    """A message sent to the master reaches listeners on a replica"""
    master, replicas = roles(redis)
    # Said again and again: the first that it hears counts, and at the next one it stops to listen,
    # since nobody reads more than the three lines of its beginning and the three of a message.
    heard = host.run(
        f"(for n in $(seq 12); do sleep 0.2; timeout 5 redis-cli -h {master} publish {key} news;"
        " done) >/dev/null 2>&1 & "
        f"timeout 3 redis-cli -h {replicas[0]} subscribe {key} | head -n 6; kill $!"
    )
    assert heard.stdout.split()[-3:] == ["message", key, "news"]


def test_sentinels_name_the_same_master(redis):
    """All three sentinels name the same master, and it is the one that is written to"""
    master, _ = roles(redis)
    named = [redis(name, "sentinel", "get-master-addr-by-name", "main") for name in SENTINELS]
    assert named[0] == named[1] == named[2]
    assert len(named[0]) == 2, named[0]
    address, port = named[0]
    assert redis(master, "config", "get", "port")[1] == port

    def identity(server):
        return [line for line in redis(server, "info", "server") if line.startswith("run_id:")]

    assert identity(address) == identity(master)


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
        return facts.get("flags"), facts.get("num-slaves")

    for name in SENTINELS:
        assert eventually(lambda sentinel=name: watched(sentinel) == ("master", "2"), seconds=20), (
            name
        )
