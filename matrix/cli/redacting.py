"""What a kit prints goes through here last, whoever prints it: a thread that dies, too."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

import click

from matrix.core.redaction import Redactor

# Any: click's decorators change the type of what they decorate.
Command = TypeVar("Command", bound=Callable[..., Any])


def redaction_options(command: Command) -> Command:
    """``--redact``, ``--redact-file`` and ``--redaction-key``."""
    for option in (
        click.option(
            "--redaction-key",
            "key_file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="File with the secret that names become tokens by; made when there is none.",
        ),
        click.option(
            "--redact-file",
            "word_files",
            multiple=True,
            type=click.Path(path_type=Path, exists=True),
            help="File with words to take out, one a line; may be repeated.",
        ),
        click.option(
            "--redact",
            "words",
            multiple=True,
            metavar="WORD",
            help="Take this word out too; may be repeated. Others on this machine can see it in "
            "the list of processes: use --redact-file for a secret.",
        ),
    ):
        command = option(command)
    return command


class RedactedStream:
    """Passes on whole lines, or what was written until it is flushed, redacted.

    It has no ``buffer``: nothing gets past it as bytes.
    """

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self.stream = stream
        self._redactor = redactor
        self._waiting = ""

    @property
    def encoding(self) -> str:
        """Of the stream behind it."""
        return self.stream.encoding

    @property
    def errors(self) -> str | None:
        """What becomes of characters that the stream behind it does not have."""
        return self.stream.errors

    def isatty(self) -> bool:
        """As the stream behind it."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """Of the stream behind it, to ask how wide the terminal is."""
        return self.stream.fileno()

    def write(self, text: str, /) -> int:
        """Raises TypeError for bytes, as every text stream."""
        if not isinstance(text, str):
            raise TypeError(f"a text stream takes text, not {type(text).__name__}")
        whole, newline, self._waiting = (self._waiting + text).rpartition("\n")
        if newline:
            self.stream.write(self._redactor.hide(f"{whole}\n"))
        return len(text)

    def flush(self) -> None:
        """Pass on what waits for the end of its line."""
        if self._waiting:
            waiting, self._waiting = self._waiting, ""
            self.stream.write(self._redactor.hide(waiting))
        self.stream.flush()


def redact_output(redactor: Redactor) -> None:
    """From now on nothing is printed, by whatever part of this process, that may not leave."""
    sys.stdout = cast(TextIO, RedactedStream(unredacted(sys.stdout), redactor))
    sys.stderr = cast(TextIO, RedactedStream(unredacted(sys.stderr), redactor))


def unredacted(stream: object) -> TextIO:
    """The stream behind one that redacts; the stream itself when it does not."""
    if isinstance(stream, RedactedStream):
        stream.flush()
        return stream.stream
    return cast(TextIO, stream)


@contextmanager
def plain_output() -> Iterator[None]:
    """Meanwhile what is printed is printed as it is."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(unredacted, before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def restored_output() -> Iterator[None]:
    """Whatever becomes of the output meanwhile, afterwards it is what it was.

    Libraries that log what nobody asked for print it while nobody has said where else it goes.
    """
    before, silent = (sys.stdout, sys.stderr), logging.NullHandler()
    logging.getLogger().addHandler(silent)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before
        logging.getLogger().removeHandler(silent)
