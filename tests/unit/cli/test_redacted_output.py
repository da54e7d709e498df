"""Whatever a kit prints is redacted, whoever prints it."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
import pytest
from rich.console import Console
from rich.live import Live
from rich.text import Text

from matrix.cli.redacting import RedactedStream, plain_output, redact_output, restored_output
from matrix.core.redaction import Redactor

SECRET = "hunter2hunter2"


@contextmanager
def redacted_output() -> Iterator[io.StringIO]:
    """What comes out of both outputs."""
    with pytest.MonkeyPatch.context() as patch:
        out = io.StringIO()
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", out)
        with restored_output():
            redact_output(Redactor(b"k" * 32, secrets=[SECRET]))
            yield out
        assert sys.stdout is sys.stderr is out


def test_a_secret_written_in_pieces_is_gone():
    with redacted_output() as said:
        for character in f"it is {SECRET}\nand":
            sys.stdout.write(character)
        assert said.getvalue() == "it is [redacted]\n"
        sys.stdout.flush()
        assert said.getvalue() == "it is [redacted]\nand"


def test_what_click_and_rich_print_is_redacted():
    with redacted_output() as said:
        click.echo(f"one {SECRET}", err=True)
        click.ClickException(f"two {SECRET}").show()
        with Live(Text(f"three {SECRET}"), console=Console(stderr=True, force_terminal=True)):
            print(f"four {SECRET}", file=sys.stderr)
        sys.stderr.flush()
        assert SECRET not in said.getvalue()
        for word in ("one", "two", "three", "four"):
            assert f"{word} [redacted]" in said.getvalue()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_traceback_of_a_thread_is_redacted(monkeypatch):
    with redacted_output() as said:
        # pytest has put its own in the place of what prints it.
        monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

        def fail() -> None:
            raise RuntimeError(f"cannot log in with {SECRET}")

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        sys.stderr.flush()
        assert "RuntimeError: cannot log in with [redacted]" in said.getvalue()
        assert SECRET not in said.getvalue()


def test_a_library_that_logs_says_nothing():
    with redacted_output() as said:
        logging.getLogger("some.library").warning("logged in with %s", SECRET)
        sys.stderr.flush()
        assert said.getvalue() == ""


def test_bytes_do_not_get_past_it():
    with redacted_output() as said:
        with pytest.raises(TypeError, match="takes text"):
            sys.stdout.write(SECRET.encode())  # type: ignore[arg-type]
        assert not hasattr(sys.stdout, "buffer")
        click.echo(f"as text {SECRET}")
        assert SECRET not in said.getvalue()


def test_what_is_learnt_later_takes_the_place_of_what_was_known():
    with redacted_output() as said:
        redact_output(Redactor(b"k" * 32, secrets=["another-one"]))
        assert isinstance(sys.stdout, RedactedStream)
        assert not isinstance(sys.stdout.stream, RedactedStream)
        print(f"another-one {SECRET}")
        assert said.getvalue() == f"[redacted] {SECRET}\n"


def test_a_result_is_shown_as_it_is():
    with redacted_output() as said:
        with plain_output():
            click.echo(SECRET)
        click.echo(SECRET)
        assert said.getvalue() == f"{SECRET}\n[redacted]\n"
