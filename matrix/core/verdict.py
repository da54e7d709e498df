"""What we know about a probe or a cell: the product.

| verdict     | glyph | means                                                                   |
|-------------|-------|-------------------------------------------------------------------------|
| MISSING     | ?     | never measured, or planned and nothing came back                        |
| UNSUPPORTED | –     | left out on purpose: a declared requirement is not met                  |
| PASSED      | ✓     | the set of probes reported equals the set planned, and all passed       |
| WARNED      | ⚠     | works, but a ``warn`` probe failed or it passed only on a retry         |
| ERROR       | !     | we cannot tell: host, network, engine, store, probe or we failed        |
| FAILED      | ✗     | the service does not work there                                         |
| STALE       | ◷     | computed when read: too old, or measured for something else             |
"""

from collections.abc import Iterable
from enum import Enum


class Verdict(Enum):
    """One of seven answers; the value is the word used in every file and page."""

    MISSING = "MISSING"
    UNSUPPORTED = "UNSUPPORTED"
    PASSED = "PASSED"
    WARNED = "WARNED"
    ERROR = "ERROR"
    FAILED = "FAILED"
    STALE = "STALE"

    @property
    def glyph(self) -> str:
        """The one character that stands for this verdict in a grid."""
        return GLYPHS[self]


GLYPHS = {
    Verdict.MISSING: "?",
    Verdict.UNSUPPORTED: "–",
    Verdict.PASSED: "✓",
    Verdict.WARNED: "⚠",
    Verdict.ERROR: "!",
    Verdict.FAILED: "✗",
    Verdict.STALE: "◷",
}

#: From worst to best. STALE is never folded: it is computed when a grid is read.
SEVERITY = (
    Verdict.FAILED,
    Verdict.ERROR,
    Verdict.MISSING,
    Verdict.UNSUPPORTED,
    Verdict.WARNED,
    Verdict.PASSED,
)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of *verdicts*; MISSING for none at all, since nothing observed is never green.

    Raises ValueError for STALE, which is a property of reading and cannot be measured.
    """
    ranked = [SEVERITY.index(verdict) for verdict in verdicts]
    return SEVERITY[min(ranked)] if ranked else Verdict.MISSING
