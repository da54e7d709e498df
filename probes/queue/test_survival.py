"""What operations do to a queue: restart it, copy it, lose parts of it."""

import uuid

import pytest

SERVERS = ("queue", "replica-1", "replica-2")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
CUT_OFF = ("Connection reset by peer", "Server closed the connection")


@pytest.fixture
def key():
    """A key that no other probe uses; safe in a shell as it is."""
    return f"probe:{uuid.uuid4().hex}"


class Ensemble:
    """The containers of the queue by name, and who of them is written to."""

    def __init__(self, container):
        self.container = container

    def __getitem__(self, name):
        return self.container if name == "queue" else self.container.companion(name)

    def redis(self, server, *words, port=6379):
        """The lines that the Redis inside *server* answers to one command.

        Sentinels cut off the clients of a Redis whose part they change: those ask again.
        """
        quoted = " ".join(["%s"] * len(words))
        for _ in range(3):
            done = self[server].host.run(f"timeout 5 redis-cli -e -p {port} {quoted}", *words)
            if not any(cut in done.stderr + done.stdout for cut in CUT_OFF):
                break
        assert done.rc == 0, f"{server}: {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout.splitlines()

    def role(self, server):
        """ "master" or "slave"."""
        return self.redis(server, "role")[0]

    def master(self, among=SERVERS):
        """Name of the one that is written to, "" while there is none or more than one."""
        names = [server for server in among if self.role(server) == "master"]
        return names[0] if len(names) == 1 else ""

    def address(self, server):
        """The one it has now, where the others reach it."""
        return self[server].host.run("hostname -i").stdout.split()[0]

    def successors(self):
        """``address:port`` of the replicas from which any sentinel would choose a master: one of
        them leads, and which is settled by who asks first."""
        return set.intersection(*map(self.successors_by, SENTINELS))

    def successors_by(self, sentinel):
        """Those that *sentinel* would choose from, asked from inside the first."""
        asked = self["sentinel-1"].host.run(
            "timeout 5 redis-cli -e -h %s -p 26379 sentinel replicas main", sentinel
        )
        # One that does not answer now would choose nobody, and is asked again.
        told = asked.stdout.splitlines() if asked.rc == 0 else []
        found, one = [], {}
        for name, value in zip(told[::2], told[1::2], strict=False):
            if name == "name":
                one = {}
                found.append(one)
            one[name] = value
        good = {"flags": "slave", "master-link-status": "ok"}
        return {one["name"] for one in found if good.items() <= one.items()}

    def push(self, server, key, count):
        """Push 1 to *count*; the items of which at least one replica said that it has them."""
        answers = self[server].host.run(
            f"for item in $(seq {count}); do printf 'RPUSH {key} %s\\nWAIT 1 2000\\n' $item; done"
            " | timeout 20 redis-cli"
        )
        lines = answers.stdout.split()
        assert len(lines) == 2 * count, answers.stdout[-500:]
        return {str(item + 1) for item in range(count) if lines[2 * item + 1] != "0"}

    def push_by_sentinel(self, client, key, item):
        """Whether *client* could push it to where a sentinel says that items go."""
        asked = self.redis("sentinel-1", "sentinel", "get-master-addr-by-name", "main", port=26379)
        pushed = self[client].host.run(f"timeout 1 redis-cli -e -h {asked[0]} rpush {key} {item}")
        return pushed.rc == 0

    def items(self, server, key):
        """The items it holds."""
        return self.redis(server, "lrange", key, "0", "-1")


@pytest.fixture
def ensemble(container):
    return Ensemble(container)


def settled_master(ensemble, eventually):
    """Name of the Redis that is written to; waits for one where a failover goes on."""
    name = eventually(ensemble.master, seconds=20)
    assert name, "none or more than one of the three is written to"
    return name


def test_a_client_on_the_machine_is_served(outside, container):
    """A client on the machine is answered on the published port"""
    address, port = container.address("redis")
    talk = f'exec 3<>/dev/tcp/{address}/{port}; printf "PING\\r\\n" >&3; head -c 7 <&3'
    answered = outside.run("timeout 5 bash -c %s", talk)
    assert answered.stdout.strip() == "+PONG", answered.stderr


def test_the_log_tells_when_it_accepts_connections(container):
    """Its log, read by the engine, tells when it accepts connections"""
    assert "Ready to accept connections" in container.logs(tail=2000)


def test_a_backup_can_be_copied_out(ensemble, key, eventually):
    """A backup of the items can be taken and copied out"""
    master = settled_master(ensemble, eventually)
    marker = key[-16:]
    ensemble.redis(master, "set", key, marker)
    before = ensemble.redis(master, "lastsave")
    ensemble.redis(master, "bgsave")
    assert eventually(lambda: ensemble.redis(master, "lastsave") != before, seconds=15)
    backup = ensemble[master].copy_out("/data/dump.rdb")
    assert backup.startswith(b"REDIS")
    assert marker.encode() in backup


@pytest.mark.timeout(60)
def test_items_survive_a_restart(ensemble, key, eventually):
    """Items are there after the container was restarted"""
    master = settled_master(ensemble, eventually)
    acknowledged = ensemble.push(master, key, 20)
    assert len(acknowledged) == 20
    ensemble[master].restart()
    ensemble[master].wait_until_ready(20)
    assert eventually(lambda: len(ensemble.items(master, key)) == 20, seconds=15)
    assert set(ensemble.items(master, key)) == acknowledged


@pytest.mark.timeout(60)
def test_a_replica_that_was_away_catches_up(ensemble, key, eventually):
    """A replica that was stopped has the missed items soon after its start"""
    master = settled_master(ensemble, eventually)
    away = next(server for server in ("replica-1", "replica-2", "queue") if server != master)
    ensemble[away].stop()
    assert not ensemble[away].state.running
    assert len(ensemble.push(master, key, 20)) == 20
    ensemble[away].start()
    ensemble[away].wait_until_ready(30)
    assert eventually(lambda: len(ensemble.items(away, key)) == 20, seconds=20)


@pytest.mark.requires(**{"engine.pause": True})
@pytest.mark.timeout(60)
def test_a_frozen_sentinel_does_not_stop_the_others(ensemble, eventually):
    """With one sentinel frozen the other two can still replace the master"""

    def usable():
        return " ".join(ensemble.redis("sentinel-1", "sentinel", "ckquorum", "main", port=26379))

    assert eventually(lambda: "OK 3 usable" in usable(), seconds=15), usable()
    frozen = ensemble["sentinel-3"]
    frozen.pause()
    try:
        assert eventually(lambda: "OK 2 usable" in usable(), seconds=15), usable()
    finally:
        frozen.unpause()
    assert eventually(lambda: "OK 3 usable" in usable(), seconds=15), usable()


@pytest.mark.timeout(120)
def test_losing_the_master_loses_no_acknowledged_item(ensemble, key, eventually):
    """When the master is killed another takes over with every acknowledged item"""
    master = settled_master(ensemble, eventually)
    rest = [server for server in SERVERS if server != master]
    # Who came back under another address is known to the sentinels once the master told of it.
    replicas = {f"{ensemble.address(server)}:6379" for server in rest}
    assert eventually(lambda: replicas <= ensemble.successors(), seconds=30), (
        f"the sentinels would choose from {ensemble.successors()}, the replicas are {replicas}"
    )
    acknowledged = ensemble.push(master, key, 50)
    assert acknowledged
    ensemble[master].kill()
    successor = eventually(lambda: ensemble.master(among=rest), seconds=40)
    assert successor, "no replica became the master"
    assert acknowledged <= set(ensemble.items(successor, key))
    # Clients ask a sentinel where to write: what it says must soon take items.
    assert eventually(lambda: ensemble.push_by_sentinel(rest[0], key, "after"), seconds=20)
    assert "after" in ensemble.items(successor, key)
    # The lost one comes back as a replica, with the item it has missed.
    ensemble[master].start()
    ensemble[master].wait_until_ready(30)
    assert eventually(lambda: ensemble.role(master) == "slave", seconds=30)
    assert eventually(lambda: "after" in ensemble.items(master, key), seconds=30)
    # It names the successor before it has told the last replica, and writes it down after that.
    told = eventually(lambda: "+switch-master" in ensemble["sentinel-1"].logs(tail=500), seconds=30)
    assert told, "the first sentinel's log does not tell of the switch"
