"""What is kept of a probe, and what a process may say about one."""

import pytest

from matrix.core.result import CommandRecord, CommandResult, Side
from matrix.probing.explain import cut, locate, shorten_paths
from matrix.probing.forkserver import child_environment, describe_status
from matrix.probing.ledger import COMMANDS_MOST, OUTPUT_MOST_BYTES, Ledger
from matrix.probing.reported import read_mistake, read_output, read_probe, read_report
from matrix.probing.spool import Spool, open_text
from matrix.probing.wire import BrokenWire


def record(size: int = 0) -> CommandRecord:
    result = CommandResult(
        command="true",
        exit_status=0,
        stdout=b"x" * size,
        stderr=b"",
        stdout_bytes=size,
        stderr_bytes=0,
        seconds=0.0,
    )
    return CommandRecord(side=Side.INSIDE, target="", result=result)


def test_commands_are_kept_up_to_a_number():
    ledger = Ledger()
    for _ in range(COMMANDS_MOST + 3):
        ledger.add(record())
    assert len(ledger.records) == COMMANDS_MOST
    assert ledger.note == "[3 further commands were not kept]\n"


def test_outputs_are_kept_up_to_a_size_and_then_only_counted():
    ledger = Ledger()
    for size in (OUTPUT_MOST_BYTES, 10):
        ledger.add(record(size))
    kept, bare = ledger.records
    assert len(kept.result.stdout) == OUTPUT_MOST_BYTES
    assert (bare.result.stdout, bare.result.stdout_bytes, bare.result.truncated) == (b"", 10, True)
    assert ledger.note == "[the output of 1 commands was not kept]\n"


def test_nothing_is_noted_when_everything_was_kept():
    ledger = Ledger()
    ledger.add(record(5))
    assert ledger.note == ""


def report(**phase):
    whole = {"when": "call", "outcome": "failed", "kind": "code", **phase}
    return {"kind": "report", "phases": [whole], "cut": False, "output": ""}


def test_a_report_is_read_and_its_texts_are_cleaned_and_cut():
    (phase,) = read_report(report(message="a\ud800", detail="x" * 10**6), ()).phases
    assert phase.message == "a\\ud800"
    assert len(phase.detail) == 70_000


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "report"},
        {"kind": "report", "phases": {}},
        {"kind": "report", "phases": [3]},
        {"kind": "report", "phases": [{}] * 1001},
        report(when="before"),
        report(outcome="good"),
        report(outcome="passed"),
        report(kind="luck"),
        report(kind=[]),
        report(message=3),
    ],
)
def test_a_report_of_another_shape_is_refused(message):
    with pytest.raises(BrokenWire):
        read_report(message, ())


def test_a_report_that_does_not_say_that_nothing_was_cut_counts_as_cut():
    assert read_report({**report(), "cut": None}, ()).cut


def test_other_messages_of_another_shape_are_refused():
    for read, value in (
        (read_output, {"output": 3}),
        (
            lambda value: read_probe(value, {}),
            {"requires": {}, "engines": [], "timeout": 1, "file": "x"},
        ),
        (lambda value: read_probe(value, {}), []),
        (read_mistake, {"line": "3"}),
    ):
        with pytest.raises(BrokenWire):
            read(value)


def test_a_probes_process_is_given_a_few_variables_of_ours():
    given = child_environment({"PATH": "/bin", "TOKEN": "secret", "HOME": "/root", "TZ": "CET"})
    assert given == {
        "PATH": "/bin",
        "TZ": "CET",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def test_the_end_of_a_process_is_told_in_words():
    assert describe_status(-9) == "was ended by signal 9 (SIGKILL)"
    assert describe_status(0) == "has ended by itself with exit status 0"
    assert "does not answer" in describe_status(None)


def test_the_head_and_the_tail_of_what_is_printed_are_kept():
    spool = Spool(cap_bytes=10)
    text = open_text(spool)
    text.write("0123456789abcdef")
    text.buffer.write(b"\xff")
    text.flush()
    assert spool.text() == "01234\n[… 7 bytes left out …]\ncdef\\xff"


def test_a_long_text_loses_its_middle():
    assert cut("abcdef", 4) == "ab\n[… 2 characters left out …]\nef"
    assert cut("abcd", 4) == "abcd"


def test_the_place_of_a_mistake_is_found_in_pytests_words():
    text = 'x\n  File "/tmp/job/mx-0/queue/test_a.py", line 7\nE   SyntaxError: invalid syntax\n'
    assert locate(text) == {
        "file": "mx-0/queue/test_a.py",
        "line": 7,
        "message": "SyntaxError: invalid syntax",
    }
    assert locate("") == {"file": "", "line": 0, "message": ""}
    assert shorten_paths("at /tmp/job/mx-0/queue/test_a.py:3:") == "at queue/test_a.py:3:"
