"""What is made of the engine's words during a build."""

import pytest

from matrix.core.build import BuildEvent
from matrix.core.errors import BuildFailed
from matrix.delivery.build_stream import KEPT_LINES, Transcript


def told(*messages):
    events = []
    transcript = Transcript("web", events.append)
    for message in messages:
        transcript.take(message)
    transcript.end()
    return events


def test_each_step_is_told_with_its_number():
    events = told(
        {"stream": "Step 1/2 : FROM x\n"},
        {"stream": " ---> 0123456789ab\n"},
        {"status": "something else"},
        {"stream": "Step 2/2 : RUN true\n"},
    )
    assert events == [
        BuildEvent(image="web", text="FROM x", step=1, steps=2),
        BuildEvent(image="web", text="RUN true", step=2, steps=2),
    ]


def test_a_step_longer_than_a_line_is_told_too():
    events = told({"stream": f"Step 3/9 : RUN {'x' * 5000}\n"})
    assert [(event.step, len(event.text) < 400) for event in events] == [(3, True)]


def test_an_error_names_the_step_and_ends_with_its_output():
    with pytest.raises(BuildFailed) as raised:
        told(
            {"stream": "Step 1/2 : RUN echo before\n"},
            {"stream": "before\n"},
            {"stream": "Step 2/2 : RUN false\n"},
            {"stream": "no such thing\n"},
            {"error": "returned a non-zero code: 1"},
            {"stream": "what comes behind it\n"},
            {"error": "another one"},
        )
    assert str(raised.value) == (
        "image web: Step 2/2 : RUN false: returned a non-zero code: 1\n  | no such thing"
    )


def test_an_error_before_the_first_step_is_told():
    with pytest.raises(BuildFailed, match="before the first step: dockerfile parse error"):
        told({"error": "dockerfile parse error"})


def test_only_the_end_of_a_long_output_is_kept():
    with pytest.raises(BuildFailed) as raised:
        told({"stream": "line\n" * 1000}, {"error": "no"})
    assert str(raised.value).count("\n") == KEPT_LINES


def test_what_a_step_writes_cannot_act_on_a_terminal():
    with pytest.raises(BuildFailed) as raised:
        told({"stream": "\x1b]0;title\x07\n"}, {"error": "\x1b[2J"})
    assert "\x1b" not in str(raised.value)
