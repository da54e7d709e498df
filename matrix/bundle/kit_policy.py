"""What the gate asks on a customer's machine: the sender's rules, cut down to the cells of a kit.

Every service of a kit is to work there, whatever else the sender requires. Waivers and quarantine
stay at home, as they hold names and reasons that are nobody else's business, and so do the keys
that only mean something where there is a history.
"""

from collections.abc import Sequence

import tomlkit

from matrix.bundle.project_files import ROOT
from matrix.core.model import Policy
from matrix.core.selection import matches_any

#: Read beside matrix.toml wherever it lies, see ``loading.policy``.
FILE = "policy.toml"
#: Its place in a kit; the digest of it is that of the policy.
POLICY = f"{ROOT}/{FILE}"


def kit_policy(policy: Policy, customer: str, services: Sequence[str]) -> str:
    """The file, as TOML; patterns of the sender's are spelled out, so that they tell nothing."""
    cells = [f"{service}@{customer}" for service in services]
    return tomlkit.dumps(
        {
            "required": cells,
            "allow_unsupported": _those_of(cells, policy.allow_unsupported),
            "warned_closes": policy.warned_closes,
            "allow_warned": _those_of(cells, policy.allow_warned),
        }
    )


def _those_of(cells: Sequence[str], patterns: Sequence[str]) -> list[str]:
    return [cell for cell in cells if matches_any(cell, patterns)]
