"""The policy from its two places, and waivers written into one of them."""

import tomllib
from datetime import date

import pytest

from matrix.core.errors import ConfigError, UsageError
from matrix.core.model import CellId, Quarantine, Waiver
from matrix.loading.policy_file import add_waiver, remove_waivers

WAIVER = Waiver(
    cell=CellId(service="queue", environment="qa"),
    probe="queue/test_queue.py::test_x[a b]",
    signature="0123456789abcdef",
    reason='the "vendor" knows',
    owner="anna",
    until=date(2027, 1, 31),
)
POLICY = """
# Ours since the fire.
baseline = "2.3"   # the last good one
flaky_closes = true
allow_warned = ["*@laptop"]

[[quarantine]]
cells = "web@*"
reason = "new"
owner = "bob"
until = 2027-02-01

# The next one is old.
[[waivers]]
service = "queue"
environment = "qa"
probe = "cell"
signature = "fedcba9876543210"
reason = "known"
owner = "bob"
until = 2026-01-01
"""


def test_every_key_of_the_policy_file_arrives_beside_the_table(files):
    files.write("policy.toml", POLICY)
    policy = files.load().policy
    assert (policy.required, policy.fresh_seconds) == (("queue@*",), 604800.0)
    assert (policy.baseline, policy.flaky_closes) == ("2.3", True)
    assert policy.allow_warned == ("*@laptop",)
    assert policy.quarantine == (
        Quarantine(cells="web@*", reason="new", owner="bob", until=date(2027, 2, 1)),
    )
    (waiver,) = policy.waivers
    assert (waiver.probe, waiver.until) == ("cell", date(2026, 1, 1))


def test_the_file_may_have_another_name(files):
    files.write("ci/gate.toml", 'required = ["web@*"]\n')
    table = files.root.joinpath("matrix.toml").read_text().partition("[policy]")[0]
    files.write("matrix.toml", f'{table}policy = "ci/gate.toml"\n')
    project = files.load()
    assert project.policy.required == ("web@*",)
    assert project.policy_file == files.root / "ci/gate.toml"
    (files.root / "ci/gate.toml").unlink()
    assert "no such file" in files.fault()


def test_without_a_file_it_is_known_where_one_would_be(files):
    assert files.load().policy_file == files.root / "policy.toml"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("flaky_closes = true", "flaky_close = true", 'did you mean "flaky_closes"'),
        ('owner = "bob"\nuntil = 2026', "until = 2026", "waivers[0].owner: nothing"),
        ('reason = "known"', 'reason = " "', "not empty"),
        ("until = 2026-01-01", "until = 2026-01-01T10:00:00", "a day such as"),
        ("until = 2026-01-01", 'until = "2026-02-30"', "a day that there is"),
        ("fedcba9876543210", "*", "16 hexadecimal"),
        ('environment = "qa"', 'environment = "qq"', "matches no cell"),
        ('cells = "web@*"', 'cells = "wbe@*"', "matches no cell"),
        ('"*@laptop"', '"*@latop"', "matches no cell"),
        ("flaky_closes = true", 'fresh = "9d"', "also in [policy] of matrix.toml"),
    ],
)
def test_a_slip_of_the_pen_is_a_fault(files, old, new, words):
    assert old in POLICY
    files.write("policy.toml", POLICY.replace(old, new))
    fault = files.fault()
    assert fault.startswith("policy.toml:")
    assert words in fault


def test_adding_a_waiver_leaves_the_rest_as_it_was(files):
    files.write("policy.toml", POLICY)
    path = files.root / "policy.toml"
    path.chmod(0o640)
    add_waiver(path, WAIVER)
    assert path.read_text().startswith(POLICY)
    assert path.stat().st_mode & 0o777 == 0o640
    assert files.load().policy.waivers[1] == WAIVER
    assert [one.name for one in files.root.glob(".policy*")] == []


def test_the_first_waiver_makes_the_file(files):
    add_waiver(files.root / "policy.toml", WAIVER)
    assert files.load().policy.waivers == (WAIVER,)


def test_a_waiver_for_the_same_failure_takes_the_place_of_the_old_one(files):
    path = files.root / "policy.toml"
    add_waiver(path, WAIVER)
    longer = Waiver(**{**{f: getattr(WAIVER, f) for f in WAIVER.__slots__}, "owner": "eve"})
    add_waiver(path, longer)
    assert files.load().policy.waivers == (longer,)


def test_waivers_in_a_list_of_inline_tables_are_found_too(files):
    row = 'service = "queue", environment = "qa", probe = "cell", signature = "fedcba9876543210"'
    row += ', reason = "known", owner = "bob", until = 2026-01-01'
    files.write("policy.toml", f"waivers = [\n  {{ {row} }},\n]\n")
    path = files.root / "policy.toml"
    add_waiver(path, WAIVER)
    old, new = files.load().policy.waivers
    assert new == WAIVER
    remove_waivers(path, [old])
    assert files.load().policy.waivers == (WAIVER,)


def test_removing_a_waiver_leaves_the_rest_as_it_was(files):
    files.write("policy.toml", POLICY)
    path = files.root / "policy.toml"
    add_waiver(path, WAIVER)
    (old,) = [one for one in files.load().policy.waivers if one != WAIVER]
    remove_waivers(path, [old])
    assert files.load().policy.waivers == (WAIVER,)
    remove_waivers(path, [WAIVER])
    kept = path.read_text()
    assert "waivers" not in tomllib.loads(kept)
    assert kept.startswith(POLICY.partition("# The next")[0].rstrip())


def test_what_would_be_a_fault_is_not_written(files):
    path = files.root / "policy.toml"
    add_waiver(path, WAIVER)
    before = path.read_text()
    bad = Waiver(**{**{f: getattr(WAIVER, f) for f in WAIVER.__slots__}, "reason": "a\nb"})
    with pytest.raises(ConfigError, match="one line"):
        add_waiver(path, bad)
    assert path.read_text() == before


def test_a_file_that_cannot_be_read_is_not_overwritten(files):
    files.write("policy.toml", "this is not TOML")
    with pytest.raises(UsageError, match=r"policy\.toml"):
        add_waiver(files.root / "policy.toml", WAIVER)
    assert (files.root / "policy.toml").read_text() == "this is not TOML"
