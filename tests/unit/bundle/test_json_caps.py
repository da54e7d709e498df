"""How much a text holds is told without parsing it."""

import pytest

from matrix.bundle.json_caps import Caps, refuse_swarms
from matrix.core.errors import Refused

CAPS = Caps(size_bytes=1_000, containers=3, members=4)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b" " * 1_001, "is larger than"),
        (b'""' * 5, "more than 8 texts"),
        (b"[[],{},[]]", "more than 3 objects and lists"),
        (b"[1,2,3,4,5,6]", "more than 4 members"),
    ],
    ids=["bytes", "texts", "containers", "members"],
)
def test_one_more_than_allowed_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Refused, match=f"it .*{why}"):
        refuse_swarms(data, CAPS, what="it")


@pytest.mark.parametrize(
    "data",
    [
        b" " * 1_000,
        b'""' * 4,
        b"[[],{}]",
        b"[1,2,3,4,5]",
        b'"[[[[{{{{,,,,,,,"',
        b'"\\"[[[[[,,,,,,,"',
        b'["[[[[[", "' + b"," * 50,
    ],
)
def test_what_is_allowed_or_stands_in_a_text_is_not(data: bytes) -> None:
    refuse_swarms(data, CAPS, what="it")
