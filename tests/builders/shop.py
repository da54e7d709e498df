"""A realistic report: seven services in seven environments, all seven verdicts, long evidence."""

from collections.abc import Iterator

from builders.reports import (
    a_cell,
    a_command,
    a_probe,
    a_report,
    a_service,
    an_attempt,
    an_environment,
)
from builders.shop_facts import findings
from builders.shop_texts import ASSERTION, LOG, REDIS_INFO

from matrix.core.grid import Door, GridCell, Report
from matrix.core.model import Kind
from matrix.core.result import (
    Attempt,
    Fault,
    Leftover,
    ProbeResult,
    Side,
)
from matrix.core.verdict import Verdict

SERVICES = (
    a_service("website", title="Static website", contents="nginx 1.22 + ModSecurity + OpenSSL"),
    a_service("queue", title="Queue", contents="Redis 7.0 + Sentinel"),
    a_service("api", title="API endpoint", contents="Python 2.7 + Flask + psycopg2"),
    a_service("userdb", title="User database", contents="PostgreSQL 15 + V8"),
    a_service("analytics", title="Analytics", contents="Hadoop + Hive + Thrift + OpenJDK"),
    a_service("worker", title="Background workers", contents="Celery + ffmpeg + OpenCV"),
    a_service("frontend", title="Web frontend", contents="Ruby on Rails + sass + Unicorn"),
)

ENVIRONMENTS = (
    an_environment("laptop", title="Contributor’s laptop", kind=Kind.LAPTOP),
    an_environment("dev", title="Development VM", kind=Kind.DEVELOPMENT),
    an_environment("qa", title="QA server", kind=Kind.QA),
    an_environment("prod", title="Production server", kind=Kind.PRODUCTION),
    an_environment("cluster", title="Production cluster", kind=Kind.CLUSTER),
    an_environment("cloud", title="Public cloud", kind=Kind.CLOUD),
    an_environment("acme", title="ACME data centre", kind=Kind.CUSTOMER),
)

TITLES = {
    "website": ("Port 8080 answers", "A page is served over TLS", "SQL injection is blocked"),
    "queue": ("A job survives a restart", "A failover elects a new primary", "Sentinels agree"),
    "api": ("An order is accepted", "The queue gets the order", "The database has the order"),
    "userdb": ("A function runs in V8", "A row survives a restart", "A role cannot read others"),
    "analytics": ("HDFS takes a file", "Hive joins two tables", "The metastore answers"),
    "worker": ("A video is resized", "A face is found in a picture", "A page becomes a PDF"),
    "frontend": ("The start page renders", "A form is posted", "Stylesheets are compiled"),
}
OUTSIDE = (
    "Memory limit is enforced",
    "Logs reach the engine",
    "A shell can be opened from afar",
    "The port answers on the host",
    "It stops within its grace period",
    "It starts again with its data",
)

IGNORED = "the engine accepted a limit of 64 MiB, but the kernel enforces none"


def probes(service: str, *, bad: ProbeResult | None = None) -> tuple[ProbeResult, ...]:
    inside = tuple(
        a_probe(
            title,
            folder=service,
            seconds=0.04 + 0.3 * index,
            commands=(a_command("redis-cli info replication", out=REDIS_INFO),)
            if service == "queue"
            else (a_command(f"curl -s http://127.0.0.1:8080/{index}", out="200 OK\n"),),
        )
        for index, title in enumerate(TITLES[service])
    )
    outside = tuple(
        a_probe(
            title,
            side=Side.OUTSIDE,
            folder="outside",
            seconds=0.011 * (index + 1),
            commands=(a_command("ss -ltn", out="LISTEN 0 511 127.0.0.1:49153\n"),),
        )
        for index, title in enumerate(OUTSIDE)
    )
    both = inside + outside
    return tuple(bad if bad and bad.id == probe.id else probe for probe in both)


def memory_ignored() -> ProbeResult:
    return a_probe(
        "Memory limit is enforced",
        Verdict.FAILED,
        side=Side.OUTSIDE,
        folder="outside",
        reason="assertion",
        message=IGNORED,
        detail=ASSERTION,
        commands=(
            a_command(
                "docker inspect --format '{{.HostConfig.Memory}}' mx-01jd9r2c7q-queue-qa-1",
                out="67108864\n",
                side=Side.OUTSIDE,
            ),
            a_command("cat /sys/fs/cgroup/memory.max", out="max\n", side=Side.OUTSIDE),
            a_command(
                "cat /sys/fs/cgroup/cgroup.controllers",
                err="cat: /sys/fs/cgroup/cgroup.controllers: No such file or directory\n",
                status=1,
                side=Side.OUTSIDE,
            ),
        ),
    )


def slow_failover() -> ProbeResult:
    return a_probe(
        "A failover elects a new primary",
        Verdict.FAILED,
        folder="queue",
        reason="assertion",
        message="no new primary within 15 s after the old one was stopped",
        detail=">   assert primary != before\nE   assert 'replica-1' != 'replica-1'",
        commands=tuple(
            a_command(
                "redis-cli -p 26379 sentinel get-master-addr-by-name main",
                out=f'1) "172.18.0.2"\n2) "6379"\nattempt {n}\n',
                target="sentinel",
            )
            for n in range(12)
        ),
        seconds=15.02,
        output="waiting for a new primary …\n" * 15,
    )


def flood() -> ProbeResult:
    return a_probe(
        "A video is resized",
        Verdict.FAILED,
        folder="worker",
        reason="assertion",
        message="ffmpeg: illegal instruction (SIGILL)",
        detail=">   assert resized.exit_status == 0\nE   assert 132 == 0",
        commands=(
            a_command(
                "ffmpeg -v debug -i /srv/in.mp4 -vf scale=320:-1 /tmp/out.mp4",
                out="[debug] " + "frame= 1 fps=0.0 q=0.0 size= 0kB\n" * 6000,
                err="Illegal instruction (core dumped)\n",
                status=132,
                came=48_000_000,
            ),
        ),
        seconds=2.9,
    )


def lost(number: int, host: str, *, service: str = "api") -> Attempt:
    return an_attempt(
        probes(service)[:2],
        verdict=Verdict.ERROR,
        number=number,
        host=host,
        reason="conn-lost",
        message="the SSH connection broke while “The queue gets the order” was running",
        seconds=4.1,
        faults=(Fault(reason="conn-lost", message="cloud-1:22: connection reset by peer"),),
        also_planned=tuple(probe.id for probe in probes(service)[2:]),
        image=service,
    )


def limits_ignored() -> Iterator[GridCell]:
    memory = memory_ignored()
    for service in ("queue", "website", "userdb"):
        attempt = an_attempt(
            probes(service, bad=memory),
            verdict=Verdict.FAILED,
            image=service,
            logs={"": LOG, "replica": LOG, "sentinel": LOG[:400]} if service == "queue" else {},
        )
        yield a_cell(
            service,
            "qa",
            Verdict.FAILED,
            attempt,
            reason="assertion",
            message=IGNORED,
        )


def other_failures() -> Iterator[GridCell]:
    attempt = an_attempt(
        probes("queue", bad=slow_failover()), verdict=Verdict.FAILED, host="cluster-2", seconds=31
    )
    yield a_cell(
        "queue",
        "cluster",
        Verdict.FAILED,
        attempt,
        reason="assertion",
        message="no new primary within 15 s after the old one was stopped",
    )
    attempt = an_attempt(
        probes("worker", bad=flood()), verdict=Verdict.FAILED, host="prod-1", image="worker"
    )
    yield a_cell(
        "worker",
        "prod",
        Verdict.FAILED,
        attempt,
        reason="assertion",
        message="ffmpeg: illegal instruction (SIGILL)",
    )
    yield a_cell(
        "analytics",
        "prod",
        Verdict.FAILED,
        an_attempt(
            verdict=Verdict.FAILED,
            image="analytics",
            host="prod-1",
            reason="limit:memory",
            message="killed by the kernel at 1 GiB, which is what it declares",
            also_planned=tuple(probe.id for probe in probes("analytics")),
            logs={"": "java.lang.OutOfMemoryError: Java heap space\n" + LOG[:300]},
        ),
        reason="limit:memory",
        message="killed by the kernel at 1 GiB, which is what it declares",
    )


def unclear_cells() -> Iterator[GridCell]:
    yield a_cell(
        "api",
        "cloud",
        Verdict.ERROR,
        lost(1, "cloud-1"),
        lost(2, "cloud-1"),
        reason="conn-lost",
        message="the SSH connection broke on both attempts",
    )
    for service in SERVICES:
        at = a_cell(
            service.name,
            "acme",
            Verdict.ERROR,
            reason="unreachable",
            message="the environment was not reachable",
        )
        yield at


def unknown_cells() -> Iterator[GridCell]:
    yield a_cell(
        "frontend", "cloud", Verdict.MISSING, reason="cancelled", message="the run was interrupted"
    )
    yield a_cell("worker", "cloud", Verdict.MISSING)
    for service in ("worker", "frontend"):
        yield a_cell(
            service,
            "laptop",
            Verdict.STALE,
            an_attempt(probes(service), host="laptop", image=service),
            reason="image",
            message="measured for an image that has been rebuilt since",
        )


def warned_cells() -> Iterator[GridCell]:
    warned = a_probe(
        "Logs reach the engine",
        Verdict.WARNED,
        side=Side.OUTSIDE,
        folder="outside",
        reason="assertion",
        message="lines longer than 16 KiB are split by this engine",
    )
    yield a_cell(
        "website",
        "dev",
        Verdict.WARNED,
        an_attempt(probes("website", bad=warned), verdict=Verdict.WARNED, image="website"),
        reason="assertion",
        message="lines longer than 16 KiB are split by this engine",
    )
    yield a_cell(
        "userdb",
        "cloud",
        Verdict.WARNED,
        lost(1, "cloud-1", service="userdb"),
        an_attempt(probes("userdb"), number=2, host="cloud-1", image="userdb"),
        reason="retry",
        message="passed only on the second attempt",
    )


def left_out_cells() -> Iterator[GridCell]:
    for environment, reason in (
        ("laptop", "needs 4 GiB of memory, the machine has 2 GiB"),
        ("cluster", "excluded: the cluster’s volumes are not for Hadoop"),
    ):
        yield a_cell(
            "analytics", environment, Verdict.UNSUPPORTED, reason="requirement", message=reason
        )


REASONS = (
    f"queue@qa: FAILED, {IGNORED}",
    "queue@cluster: FAILED, no new primary within 15 s after the old one was stopped",
    "worker@prod: FAILED, ffmpeg: illegal instruction (SIGILL)",
    "analytics@prod: FAILED, killed by the kernel at 1 GiB, which is what it declares",
    f"website@qa: FAILED, {IGNORED}",
    f"userdb@qa: FAILED, {IGNORED}",
    "api@cloud: ERROR, the SSH connection broke on both attempts",
)
LEFTOVERS = (
    Leftover(
        environment="cloud",
        host="cloud-1",
        kind="container",
        id="9f2c1d",
        name="mx-01jd9r2c7q-api-cloud-1",
        remedy="docker rm -f -v mx-01jd9r2c7q-api-cloud-1",
    ),
)


def every_odd_cell() -> Iterator[GridCell]:
    yield from limits_ignored()
    yield from other_failures()
    yield from unclear_cells()
    yield from unknown_cells()
    yield from warned_cells()
    yield from left_out_cells()


def shop_report() -> Report:
    """49 cells; the gate is closed."""
    cells = {cell.cell: cell for cell in every_odd_cell()}
    for index, service in enumerate(SERVICES):
        for column, environment in enumerate(ENVIRONMENTS):
            good = a_cell(
                service.name,
                environment.name,
                Verdict.PASSED,
                an_attempt(
                    probes(service.name),
                    host=environment.hosts[0].name,
                    image=service.name,
                    seconds=4.2 + 1.7 * index + 0.9 * column,
                    logs={"": LOG[:600]},
                ),
            )
            cells.setdefault(good.cell, good)
    return a_report(
        SERVICES,
        ENVIRONMENTS,
        cells.values(),
        findings=findings(),
        door=Door.CLOSED,
        exit_code=1,
        known=38,
        reasons=REASONS,
        leftovers=LEFTOVERS,
    )
