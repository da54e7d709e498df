"""Sizes and spans of time as they are written in our files."""

import re

#: Letters after a size → bytes.
SIZES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
#: Letters after a span of time → seconds.
SPANS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

#: Digits are bounded, so that no number is made that nothing can hold.
SIZE = re.compile(r"([0-9]{1,12})(KiB|MiB|GiB|TiB|B)?", re.ASCII)
SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d|w)", re.ASCII)


def size_bytes(text: str) -> int:
    """Bytes of ``64MiB``, ``1GiB`` or ``0``; raises ValueError for anything else."""
    found = SIZE.fullmatch(text)
    if found is None:
        message = f"{text!r} is not a size"
        raise ValueError(message)
    return int(found[1]) * SIZES[found[2] or ""]


def span_seconds(text: str) -> float:
    """Seconds of ``200ms``, ``30s``, ``5m``, ``7d``; raises ValueError for anything else."""
    found = SPAN.fullmatch(text)
    if found is None:
        message = f"{text!r} is not a span of time"
        raise ValueError(message)
    return round(float(found[1]) * SPANS[found[2]], 3)
