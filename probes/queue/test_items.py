"""What programs do with a queue: put items in and take them out."""

import json
import uuid

import pytest

SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")


@pytest.fixture
def key():
    """A key that no other probe uses; safe in a shell as it is."""
    return f"probe:{uuid.uuid4().hex}"


def find_master(host):
    """Address of the Redis that is written to now, asked the way clients do."""
    for sentinel in SENTINELS:
        asked = host.run(
            f"timeout 5 redis-cli -e -h {sentinel} -p 26379 sentinel get-master-addr-by-name main"
        )
        if asked.rc == 0 and asked.stdout.strip():
            return asked.stdout.split()[0]
    raise AssertionError(f"none of {', '.join(SENTINELS)} knows which Redis is written to")


@pytest.fixture
def redis(host):
    """Send one command to it; gives the answer without the line's end."""

    def send(*words):
        quoted = " ".join(["%s"] * len(words))
        done = host.run(f"timeout 5 redis-cli -e -h {find_master(host)} {quoted}", *words)
        assert done.rc == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout.rstrip("\n")

    return send


def test_items_come_out_in_the_order_they_went_in(redis, key):
    """Items come out in the order they went in"""
    redis("rpush", key, "first", "second", "third")
    assert [redis("lpop", key) for _ in range(3)] == ["first", "second", "third"]
    assert redis("exists", key) == "0"


def test_a_waiting_worker_is_woken_by_a_new_item(host, key):
    """A worker that waits is woken by a new item"""
    master = find_master(host)
    woken = host.run(
        f"(sleep 0.5; timeout 5 redis-cli -h {master} rpush {key} item) >/dev/null 2>&1 & "
        f"timeout 8 redis-cli -e -h {master} blpop {key} 6"
    )
    assert woken.rc == 0, f"{woken.stdout}{woken.stderr}"
    assert woken.stdout.split() == [key, "item"]


def test_an_item_outlives_the_worker_that_took_it(redis, key):
    """An item taken by a worker that dies is not lost"""
    taken = f"{key}:taken"
    redis("rpush", key, "item")
    # The worker takes it and is never heard of again: the next one finds it with those taken.
    assert redis("lmove", key, taken, "left", "right") == "item"
    assert redis("lmove", taken, key, "left", "right") == "item"
    assert redis("lpop", key) == "item"


def test_a_transaction_is_all_or_nothing(host, redis, key):
    """A transaction is carried out wholly or not at all"""
    master = find_master(host)
    host.run(
        f"printf 'MULTI\\nINCR {key}\\nINCR {key}\\nEXEC\\n' | timeout 5 redis-cli -h {master}"
    )
    assert redis("get", key) == "2"
    broken = host.run(
        f"printf 'MULTI\\nINCR {key}\\nNOSUCHCOMMAND\\nEXEC\\n' | timeout 5 redis-cli -h {master}"
    )
    assert "EXECABORT" in broken.stdout
    assert redis("get", key) == "2"


def test_an_item_expires_when_its_time_is_up(redis, key, eventually):
    """An item with a lifetime is gone when it is over"""
    assert redis("set", key, "item", "px", "1500") == "OK"
    assert redis("get", key) == "item"
    assert eventually(lambda: redis("exists", key) == "0", seconds=5)


def test_a_script_moves_items_at_once(redis, key):
    """A script sees and changes several keys as one step"""
    target = f"{key}:times-ten"
    redis("rpush", key, "1", "2", "3")
    script = (
        "local all = redis.call('lrange', KEYS[1], 0, -1) "
        "for _, item in ipairs(all) do redis.call('rpush', KEYS[2], item * 10) end "
        "redis.call('del', KEYS[1]) return cjson.encode(all)"
    )
    assert json.loads(redis("eval", script, "2", key, target)) == ["1", "2", "3"]
    assert redis("lrange", target, "0", "-1").split() == ["10", "20", "30"]
    assert redis("exists", key) == "0"


def test_a_large_item_comes_back_unchanged(host, redis, key):
    """An item of half a megabyte comes back unchanged"""
    master = find_master(host)
    content = "seq 1 90000 | head -c 500000"
    sent = host.run(f"{content} | sha256sum").stdout
    stored = host.run(f"{content} | timeout 8 redis-cli -e -h {master} -x set {key}")
    assert stored.stdout.strip() == "OK", stored.stderr
    returned = host.run(
        f"timeout 8 redis-cli -e -h {master} get {key} | head -c 500000 | sha256sum"
    )
    redis("del", key)
    assert returned.stdout == sent


def test_an_acknowledged_item_is_in_the_file(host, redis, key, eventually):
    """What was acknowledged is in the file that survives a kill"""
    assert redis("set", key, "item") == "OK"
    # A moment, for the case that the master is another one and this is its copy.
    written = f"timeout 5 grep -qa {key} /data/appendonlydir/*.aof"
    assert eventually(lambda: host.run(written).rc == 0, seconds=5)
