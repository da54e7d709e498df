import time
from dataclasses import replace
from datetime import datetime

import pytest
from builders.reports import a_cell, a_probe, an_attempt, an_environment
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.core.clusters import find_clusters, normalise, signature, signature_of
from matrix.core.grid import Grid
from matrix.core.redaction import Redactor
from matrix.core.verdict import Verdict

FOLDED = {
    "ports and durations": (
        "port 6379 is not reachable from 10.0.0.1:6379 after 1.2 s",
        "port <n> is not reachable from <address>:<n> after <duration>",
    ),
    "IPv6 with a zone and a time": (
        "connection to [fe80::1%eth0]:22 refused at 2026-11-22T17:05:12.123Z",
        "connection to [<address>]:<n> refused at <time>",
    ),
    "IPv6 before a colon": ("fe80::1: refused", "<address>: refused"),
    "MAC": ("link 00:1a:2b:3c:4d:5e is down", "link <address> is down"),
    "syslog time": ("Nov  2 17:05:12 host: oom 1234", "<time> host: oom <n>"),
    "HTTP date": ("Sun, 22 Nov 2026 17:05:12 GMT, late", "<time>, late"),
    "pointer": ("<Foo object at 0x7fe3a1>", "<Foo object at <n>>"),
    "container id": ("container 3f2a9c81d0be died", "container <n> died"),
    "id of digits alone": ("container 312739810123 died", "container <n> died"),
    "run id": ("run 01jd9r2c7q5x ended", "run <n> ended"),
    "UUID": ("uuid 123e4567-e89b-12d3-a456-426614174000 is taken", "uuid <n> is taken"),
    "digest": ("image sha256:abcdef0123456789abcdef is not there", "image sha256:<n> is not there"),
    "object of ours": ("mx-01jd9r2c7q5x-queue-qa-1 is gone", "<name> is gone"),
    "file of a folder": ("/etc/redis/redis.conf is not there", "<path>/redis.conf is not there"),
    "passing file": ("cannot write /tmp/tmp8x_k2/socket", "cannot write <path>"),
    "URL": ("http://10.1.2.3:8080/health is down", "http://<address>:<n>/health is down"),
    "two units": ("took 2 min 05 s", "took <duration>"),
    "one unit": ("took 0.4 ms", "took <duration>"),
    "sizes": ("1.5 GiB free, 93.5% used", "<size> free, <n>% used"),
    "thousands": ("1,234 items", "<n> items"),
    "white space": ("a \t b\n c ", "a b c"),
}  # fmt: skip
STAYS = (
    "[Errno 111] Connection refused",
    "Unexpected exit code 127 for this",
    "status_code == 503",
    "HTTP/1.1 503 bad",
    "redis 7.0.15 found",
    "sha256 ipv6 x86_64 ed25519 chacha20poly1305 cgroup2",
    "test_a.py::test_b",
    "defaced deadbeef facade",
    "and/or",
)


@pytest.mark.parametrize(("message", "folded"), FOLDED.values(), ids=FOLDED)
def test_what_differs_from_run_to_run_is_folded(message, folded):
    assert normalise(message) == folded


@pytest.mark.parametrize("message", STAYS)
def test_what_tells_failures_apart_stays(message):
    assert normalise(message) == message


def test_a_signature_never_changes_from_one_version_of_matrix_to_the_next():
    # Waivers of users hold it: whoever changes it makes all of them void.
    assert signature("port 6379 is not reachable after 3.1 s") == "a79e36f48bcd3e7f"


PORTS = st.integers(1, 65535)
WORDS = st.text("ghijklmnopqrstuvwxyz", min_size=3, max_size=8)
TIMES = st.datetimes().map(datetime.isoformat)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
SECONDS = st.one_of(
    st.integers(0, 10**6).map(lambda n: f"{n} ms"),
    st.floats(0, 999).map(lambda n: f"{n:.1f} s"),
    st.tuples(st.integers(1, 59), st.integers(0, 59)).map(lambda t: f"{t[0]} min {t[1]:02} s"),
)
IDS = st.one_of(st.uuids().map(str), st.text("0123456789abcdef", min_size=12, max_size=12).filter(
    lambda found: any(map(str.isdigit, found)))
)  # fmt: skip


@settings(max_examples=20)
@given(st.lists(st.tuples(ADDRESSES, PORTS, TIMES, SECONDS, IDS), min_size=30, max_size=30))
def test_failures_that_differ_in_ports_and_times_have_one_signature(seen):
    messages = {
        f"{at}: {of} on {where} port {port}: no answer after {took}"
        for where, port, at, took, of in seen
    }
    assert len(set(map(signature, messages))) == 1


@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, min_size=1, max_size=6), PORTS)
def test_messages_of_other_words_never_have_one_signature(one, other, port):
    first, second = (f"{' '.join(words)}: {port}" for words in (one, other))
    assert (signature(first) == signature(second)) == (one == other)


@given(st.text())
def test_any_text_becomes_one_line(text):
    assert "\n" not in normalise(text)


HOSTILE = (
    "a", "1", "/", "/a", ":", "1.", "f:", "mx-", "0x", "1,", "1,234", "-", "code ", " ", "Mon, ",
    "12:", "1e", "+ ", "sha256:", "<duration> ", "~/", "../", "::", "12 ", "_1", "1.1.1",
)  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_a_long_line_takes_time_in_proportion_to_its_length(part):
    began = time.process_time()
    normalise(part * (100_000 // len(part)) + "!")
    # A tenth of a second here; what tries every start against every end takes minutes.
    assert time.process_time() - began < 10


def test_a_line_of_a_megabyte_is_folded():
    assert normalise("port 6379, " * 100_000).startswith("port <n>, port <n>")


def failing(message: str, detail: str = "", title: str = "it answers"):
    return a_probe(title, Verdict.FAILED, reason="assertion", message=message, detail=detail)


def test_a_bare_assertion_is_told_by_where_its_value_came_from():
    there = "E   assert False\nE    +  where False = <file {}>.exists\n"
    one, two = (failing("assert False", there.format(path)) for path in ("/etc/a", "/etc/b"))
    assert signature_of(one) != signature_of(two)
    assert signature_of(one) == signature_of(failing("assert False", there.format("/opt/etc/a")))


def test_an_explanation_is_not_asked_where_the_message_says_enough():
    detail = "E   AssertionError: no queue\nE    +  where False = f()"
    assert signature_of(failing("no queue", detail)) == signature("no queue")


def test_a_probe_without_words_is_told_by_its_reason():
    probe = replace(failing(""), reason="deadline")
    assert signature_of(probe) == signature("deadline")


def grid_of(*cells) -> Grid:
    names = dict.fromkeys(cell.cell.environment for cell in cells)
    return Grid(
        services=(),
        environments=tuple(map(an_environment, names)),
        cells={cell.cell: cell for cell in cells},
    )


def failed(environment: str, *probes):
    attempt = an_attempt(probes, verdict=Verdict.FAILED)
    return a_cell("queue", environment, Verdict.FAILED, attempt, reason="assertion", message="no")


def test_a_grid_has_one_cluster_for_what_says_the_same():
    grid = grid_of(*(failed(f"env-{n}", failing(f"port {6000 + n} is closed")) for n in range(30)))
    (cluster,) = find_clusters(grid)
    assert (len(cluster.cells), cluster.count, cluster.message) == (30, 30, "port <n> is closed")
    assert cluster.signature == signature("port 1 is closed")
    assert cluster.probes == ("queue/test_queue.py::test_it_answers",)


def test_clusters_of_most_cells_come_first():
    one = failing("alone", title="b")
    grid = grid_of(failed("a", failing("both"), one), failed("b", failing("both")))
    assert [(c.message, len(c.cells)) for c in find_clusters(grid)] == [("both", 2), ("alone", 1)]


def test_a_cell_without_a_probe_to_blame_speaks_for_itself():
    cell = a_cell("queue", "qa", Verdict.ERROR, reason="unreachable", message="no route to it")
    (cluster,) = find_clusters(grid_of(cell))
    assert (cluster.probes, cluster.message, cluster.count) == ((), "no route to it", 1)


def test_only_the_last_attempt_on_a_host_is_told():
    first = an_attempt([failing("first")], verdict=Verdict.ERROR)
    last = an_attempt([failing("last")], verdict=Verdict.FAILED, number=2)
    cell = a_cell("queue", "qa", Verdict.FAILED, first, last)
    assert [one.message for one in find_clusters(grid_of(cell))] == ["last"]


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.STALE, Verdict.UNSUPPORTED])
def test_what_is_green_out_of_date_or_left_out_is_in_no_cluster(verdict):
    attempt = an_attempt([failing("old news")], verdict=Verdict.FAILED)
    assert find_clusters(grid_of(a_cell("queue", "qa", verdict, attempt))) == ()


@pytest.mark.parametrize("address", ["10.1.2.3", "fe80::1:2", "02:42:ac:11:00:02", "10.1.0.0/16"])
@pytest.mark.parametrize("text", ["connect to {}: refused", "{}:6379 says no", "[{}] is down"])
def test_a_failure_is_the_same_once_its_addresses_were_redacted(text: str, address: str):
    said = text.format(address)
    assert normalise(Redactor(b"k" * 32)(said)) == normalise(said)
