"""Inventories made from the files of other tools."""

from pathlib import Path
from pkgutil import resolve_name

from matrix.core.errors import UsageError
from matrix.core.selection import known
from matrix.loading.imported import inventory_text

#: What a file may be → what reads its machines; one more is one file and one row.
IMPORTS = {
    "ansible": "matrix.loading.ansible:read",
    "ssh-config": "matrix.loading.ssh_config:read",
}


def import_inventory(source: str, path: Path) -> str:
    """The text of an inventory with the machines of *path*, which is a file for *source*.

    Nothing in it is trusted and nothing it names is run or connected to. Raises UsageError for a
    source not in IMPORTS, a file that cannot be read, or one that names no machine.
    """
    if source not in IMPORTS:
        raise UsageError(f'nothing is imported from "{source}"{known(source, tuple(IMPORTS))}')
    found = resolve_name(IMPORTS[source])(path)
    if not found.machines:
        why = f": {'; '.join(found.left_out[:5])}" if found.left_out else ""
        raise UsageError(f"{path} names no machine that can be taken over{why}")
    return inventory_text(found, origin=path.name)
