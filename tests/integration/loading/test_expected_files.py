"""Expectations read from their file."""

import pytest

from matrix.core.errors import ConfigError
from matrix.core.expected import Expectation
from matrix.core.model import CellId, Requirement
from matrix.core.verdict import Verdict
from matrix.loading import load_expected

TEXT = """
[cells."queue@laptop"]
verdict = "PASSED"
reason = ""
because = "everything it needs is there"

[[cells."queue@qa"]]
verdict = "FAILED"
because = "limits are accepted and ignored"
when = { "cgroup.version" = 2, "engine.rootless" = false, security = ["a", "b"] }
probes = ["outside/*::test_memory_limit"]

[[cells."queue@qa"]]
verdict = "PASSED"
reason = ""
because = "limits hold"
when = { memory_bytes = { ">=" = "1GiB" } }
"""


def written(tmp_path, text=TEXT):
    path = tmp_path / "lab.expected.toml"
    path.write_text(text)
    return path


def test_each_cell_has_its_alternatives_in_order(tmp_path):
    expected = load_expected(written(tmp_path))
    qa = CellId(service="queue", environment="qa")
    laptop = CellId(service="queue", environment="laptop")
    assert expected[laptop] == (
        Expectation(verdict=Verdict.PASSED, reason="", because="everything it needs is there"),
    )
    assert expected[qa][0] == Expectation(
        verdict=Verdict.FAILED,
        reason=None,
        because="limits are accepted and ignored",
        when=(
            Requirement(fact="cgroup.version", operator="==", asked=2),
            Requirement(fact="engine.rootless", operator="==", asked=False),
            Requirement(fact="security", operator="in", asked=("a", "b")),
        ),
        probes=("outside/*::test_memory_limit",),
    )
    assert expected[qa][1].when == (Requirement(fact="memory_bytes", operator=">=", asked=1024**3),)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"PASSED"\nreason = ""\nbecause = "limits',
            '"GREEN"\nbecause = "limits',
            'cells."queue@qa"[1].verdict: "GREEN" (known: FAILED, ERROR, MISSING',
        ),
        ('verdict = "FAILED"', 'verdict = "STALE"', "known: FAILED, ERROR"),
        ('because = "limits hold"\n', "", "because: nothing (required"),
        ("queue@laptop", "queue", '"queue" (the id of a cell such as'),
        ('">=" = "1GiB"', '">=" = "1GB"', "a size such as"),
        (
            'reason = ""\nbecause = "limits',
            'reson = ""\nbecause = "limits',
            'did you mean "reason"',
        ),
    ],
)
def test_a_wrong_expectation_says_what_is_allowed(tmp_path, old, new, words):
    assert old in TEXT
    with pytest.raises(ConfigError) as caught:
        load_expected(written(tmp_path, TEXT.replace(old, new)))
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_expected(tmp_path / "none.toml")
