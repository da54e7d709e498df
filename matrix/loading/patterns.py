"""Checks of a text, as other tools' files ask for them, as lines of a probe."""

import re
from collections.abc import Iterator, Sequence

from matrix.loading.drafts import checked, literal


def said(expression: str, patterns: Sequence[str]) -> Iterator[str]:
    """Asserts for goss's patterns: ``foo``, ``!foo``, ``/regex/``, ``!/regex/``, ``\\!foo``.

    Raises ValueError for a regular expression that Python does not know.
    """
    for pattern in patterns:
        wanted, text = (False, pattern[1:]) if pattern.startswith("!") else (True, pattern)
        if len(text) > 1 and text.startswith("/") and text.endswith("/"):
            # Line by line, as goss looks.
            yield from matched(expression, text[1:-1], wanted=wanted, flags=", re.MULTILINE")
            continue
        text = text.removeprefix("\\") if text.startswith("\\!") else text
        yield from checked("", text, f" {'in' if wanted else 'not in'} {expression}")


def matched(expression: str, regex: str, *, wanted: bool, flags: str = "") -> list[str]:
    """An assert that *regex* is found, or is not; ValueError when Python does not know it."""
    try:
        re.compile(regex)
    except (re.error, OverflowError, RecursionError) as error:
        message = f"Python does not know the regular expression {literal(regex)[:60]}: {error}"
        raise ValueError(message) from error
    return checked("re.search(" if wanted else "not re.search(", regex, f", {expression}{flags})")
