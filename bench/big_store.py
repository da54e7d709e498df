"""A project of 100 services and 50 environments with a store of 1,000 runs, made in a minute.

Every run has an answer for every cell: five million of them. What probes found (one attempt, twelve
probes, a command each, a log) is there for the newest runs, as after ``matrix db prune``; nothing
that shows a grid reads that of older ones. Cells fail for a few runs on end, then pass again; a few
change with every run; images, probes and environments change now and then.

The rows are made inside SQLite, so that the generator is not what is measured.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from matrix.core.model import Project
from matrix.core.run_id import run_id
from matrix.loading import load_project
from matrix.probing.sources import digest as digest_probes
from matrix.site import store_path
from matrix.store import open_store
from matrix.store.sqlite import open_database
from matrix.store.strips import rebuild_strips
from matrix.wiring import probe_folders

SERVICES, ENVIRONMENTS, RUNS = 100, 50, 1000
#: Newest runs of which everything is there.
WHOLE_RUNS = 3
PROBES = 12
KINDS = ("laptop", "development", "qa", "production", "cluster", "cloud", "customer")
#: SQLite's text of a moment, as SQLAlchemy writes it.
MOMENT = "%Y-%m-%d %H:%M:%S.%f"

_SERIES = """
CASE
  WHEN (s * 50 + e) % 97 = 0 THEN CASE WHEN r % 2 THEN 'PASSED' ELSE 'FAILED' END
  WHEN ((r + s * 7 + e * 13) / 12 + s * 3 + e) % 29 = 0 THEN 'FAILED'
  WHEN ((r + e * 5) / 3 + e) % 61 = 0 THEN 'ERROR'
  WHEN (r * 31 + s * 17 + e) % 211 = 0 THEN 'WARNED'
  ELSE 'PASSED'
END"""
_CELLS = f"""
INSERT INTO cells (id, run, service, environment, verdict, reason, message, image_id, fingerprint,
                   probes_digest, finished_at)
SELECT r * 5000 + s * 50 + e + 1, run, service, environment, verdict,
       CASE verdict WHEN 'PASSED' THEN '' WHEN 'FAILED' THEN 'assertion' WHEN 'ERROR'
            THEN 'conn-lost' ELSE 'retried' END,
       CASE verdict WHEN 'PASSED' THEN '' ELSE 'it answers: port ' || (6000 + (s * 50 + e) % 999)
            || ' is not reachable after ' || (r % 9) || '.2 s in service ' || (s % 40) END,
       image, fingerprint, probes, finished_at
FROM (SELECT *, {_SERIES} AS verdict FROM temp.many_runs, temp.many_services, temp.many_places
      WHERE r BETWEEN ? AND ?)
"""
_ATTEMPTS = """
INSERT INTO attempts (cell, position, number, host, verdict, reason, message, faults, planned,
                      image_id, traceback, started_at, seconds, steps)
SELECT id, 0, 1, environment || '-1', verdict, reason, message, '[]', ?, image_id, '', finished_at,
       12.5, '{"deliver":1.9,"start":0.6,"ready":2.7,"probe":6.2,"clean":0.8}'
FROM cells WHERE id > ?
"""
_PROBE_RESULTS = """
INSERT INTO probe_results (cell, attempt, position, probe, side, title, verdict, reason, message,
                           detail, seconds, output)
SELECT id, 0, n, 'many/test_many.py::test_' || n, CASE WHEN n % 2 THEN 'inside' ELSE 'outside' END,
       'it does thing ' || n, CASE WHEN n = id % 12 THEN verdict ELSE 'PASSED' END,
       CASE WHEN n = id % 12 THEN reason ELSE '' END,
       CASE WHEN n = id % 12 THEN message ELSE '' END,
       CASE WHEN n = id % 12 AND message <> '' THEN '    def test(): ' || char(10)
            || 'E   AssertionError: ' || message ELSE '' END, 0.1, ''
FROM cells, temp.many_probes WHERE id > ?
"""
_COMMANDS = """
INSERT INTO commands (cell, attempt, probe, position, side, target, command, exit_status, stdout,
                      stderr, stdout_bytes, stderr_bytes, seconds)
SELECT cell, attempt, position, 0, side, '', 'redis-cli -p ' || (6000 + cell % 999) || ' ping',
       verdict <> 'PASSED', 'PONG ' || hex(cell * 7919) || ' uptime_in_seconds:' || cell, '', 40, 0,
       0.01
FROM probe_results
"""
_LOGS = """
INSERT INTO logs (cell, attempt, name, text)
SELECT id, 0, '', 'ready to accept connections on port ' || id || char(10) || hex(zeroblob(200))
FROM cells WHERE id > ?
"""


def make_project(folder: Path) -> Project:
    """Its files; every service has the image and probes of the sample."""
    command = [str(Path(sys.executable).with_name("matrix")), "init", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    catalogue = folder / "images/catalogue.toml"
    sample = catalogue.read_text(encoding="utf-8")
    image, _, service = sample.partition("[services.hello]")
    every = (f"[services.{name}]{service}\n" for name in _services())
    catalogue.write_text(image + "".join(every), encoding="utf-8")
    inventory = folder / "inventories/local.toml"
    inventory.write_text("".join(map(_environment, range(ENVIRONMENTS))), encoding="utf-8")
    return load_project(folder)


def fill(project: Project, *, runs: int = RUNS) -> None:
    """Its store."""
    path = store_path(project)
    open_store(path).close()
    connection = sqlite3.connect(path)
    for pragma in ("synchronous = OFF", "journal_mode = MEMORY", "cache_size = -400000"):
        connection.execute(f"PRAGMA {pragma}")
    with connection:
        # Made at the end in one go.
        connection.execute("DROP INDEX ix_cells_service")
        _insert_names(connection, project, runs)
        connection.execute(_CELLS, (0, runs - 1))
        _insert_evidence(connection, after=max(0, runs - WHOLE_RUNS) * SERVICES * ENVIRONMENTS)
        connection.execute("CREATE INDEX ix_cells_service ON cells (service, environment)")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    database = open_database(path)
    with database.write() as strips:
        rebuild_strips(strips)
    database.close()


def _insert_names(connection: sqlite3.Connection, project: Project, runs: int) -> None:
    folders = probe_folders(project, project.services[0].name)
    probes = digest_probes(folders)
    connection.executescript("""
        CREATE TEMP TABLE many_runs (r, run, finished_at);
        CREATE TEMP TABLE many_services (s, service, image, probes);
        CREATE TEMP TABLE many_places (e, environment, fingerprint);
        CREATE TEMP TABLE many_probes (n);
    """)
    moments = list(_moments(runs))
    names = [run_id(at, salt=number) for number, at in enumerate(moments)]
    connection.executemany(
        "INSERT INTO runs (id, state, started_at, finished_at, release, by, plan_digest, plan,"
        " version) VALUES (?, 'finished', ?, ?, ?, 'dana@laptop', 'd', '[]', '1')",
        [
            (name, at.strftime(MOMENT), at.strftime(MOMENT), f"1.{n // 50}" if n % 50 == 0 else "")
            for n, (name, at) in enumerate(zip(names, moments, strict=True))
        ],
    )
    connection.executemany(
        "INSERT INTO temp.many_runs VALUES (?, ?, ?)",
        [
            (n, name, at.strftime(MOMENT))
            for n, (name, at) in enumerate(zip(names, moments, strict=True))
        ],
    )
    connection.executemany(
        "INSERT INTO temp.many_services VALUES (?, ?, ?, ?)",
        [(n, name, f"sha256:{n:064x}", probes) for n, name in enumerate(_services())],
    )
    connection.executemany(
        "INSERT INTO temp.many_places VALUES (?, ?, ?)",
        [(n, name, f"{n:064x}") for n, name in enumerate(_environments())],
    )
    connection.executemany("INSERT INTO temp.many_probes VALUES (?)", [(n,) for n in range(PROBES)])
    _insert_findings(connection, names[-1])


def _insert_findings(connection: sqlite3.Connection, run: str) -> None:
    for number, name in enumerate(_environments()):
        key = connection.execute(
            "INSERT INTO findings (run, environment) VALUES (?, ?)", (run, name)
        ).lastrowid
        connection.execute(
            "INSERT INTO host_findings (finding, position, host, fingerprint, deviations)"
            " VALUES (?, 0, ?, ?, '[]')",
            (key, f"{name}-1", f"{number:064x}"),
        )
        connection.executemany(
            "INSERT INTO facts VALUES (?, 0, ?, ?)",
            [(key, f"fact_{n}", f'"value {n * number}"') for n in range(60)],
        )


def _insert_evidence(connection: sqlite3.Connection, *, after: int) -> None:
    names = ",".join(f'"many/test_many.py::test_{n}"' for n in range(PROBES))
    connection.execute(_ATTEMPTS, (f"[{names}]", after))
    connection.execute(_PROBE_RESULTS, (after,))
    connection.execute(_COMMANDS)
    connection.execute(_LOGS, (after,))


def _services() -> list[str]:
    return [f"service-{number:02}" for number in range(SERVICES)]


def _environments() -> list[str]:
    return [f"place-{number:02}" for number in range(ENVIRONMENTS)]


def _moments(runs: int) -> Iterator[datetime]:
    last = datetime.now(UTC) - timedelta(hours=1)
    return (last - timedelta(hours=6 * (runs - 1 - number)) for number in range(runs))


def _environment(number: int) -> str:
    name = f"place-{number:02}"
    return (
        f'[environments.{name}]\ntitle = "Place {number}"\nkind = "{KINDS[number % 7]}"\n'
        f'engine = "docker"\n[[environments.{name}.hosts]]\nname = "{name}-1"\n'
        'connection = "local"\n\n'
    )
