"""Output and assertions for the realistic report."""

REDIS_INFO = "\r\n".join(
    ["# Replication", "role:master", "connected_slaves:2", "master_failover_state:no-failover"]
    + [f"slave{n}:ip=172.18.0.{n + 4},port=6379,state=online,offset=1448{n},lag=0" for n in (0, 1)]
)
LOG = "\n".join(
    f"1:M 22 Nov 2026 17:05:{second:02}.{second * 13 % 1000:03} * {text}"
    for second, text in enumerate(
        (
            "Running mode=standalone, port=6379.",
            "Server initialized",
            "Ready to accept connections",
            "Replica 172.18.0.4:6379 asks for synchronization",
            "Full resync requested by replica 172.18.0.4:6379",
            "Background saving started by pid 21",
            "DB saved on disk",
            "Synchronization with replica 172.18.0.4:6379 succeeded",
        )
        * 4
    )
)
ASSERTION = """\
def test_memory_limit_is_enforced(container, outside):
    limit = container.inspect()["HostConfig"]["Memory"]
    taken = outside.run("cat /sys/fs/cgroup/memory.max")
>   assert taken.stdout.strip() == str(limit)
E   AssertionError: assert 'max' == '67108864'
E
E     - 67108864
E     + max

probes/outside/test_resources.py:31: AssertionError"""
