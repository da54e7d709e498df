"""The fingerprint of an environment: a hash of those of its facts that matter. Pure."""

import hashlib
import json

from matrix.core.result import Facts

#: Facts that change by themselves from one minute to the next, or that only name the machine.
PASSING = frozenset(
    {
        "clock_offset_seconds",
        "disk_total_bytes",
        "engine.id",
        "engine.warnings",
        "free_disk_bytes",
        "hostname",
        "memory_available_bytes",
        "uptime_seconds",
    }
)


def fingerprint(facts: Facts) -> str:
    """64 hexadecimal digits, the same for the same facts in any order; "" for none at all."""
    lasting = {name: fact for name, fact in facts.items() if name not in PASSING}
    if not lasting:
        return ""
    text = json.dumps(lasting, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
