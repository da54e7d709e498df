"""Machines of an Ansible inventory, from ``ansible-inventory --list``.

Ansible would run an inventory that is executable, and plugins that an inventory or an
``ansible.cfg`` beside it names. Here it may only read: the ``ini`` and ``yaml`` plugins, no
settings, an empty folder and home. It does not evaluate templates when it lists, and neither do
we: a value that holds one is refused like every other odd one.
"""

import getpass
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matrix.core.errors import UsageError
from matrix.loading.imported import (
    IDENTITY_FILE,
    KNOWN_HOSTS,
    Found,
    FoundAddress,
    FoundMachine,
    NotTaken,
    checked,
    checked_port,
    shown,
)
from matrix.loading.source import SourceError, read_text
from matrix.loading.tools import output_of, tool_path

#: Variables we read; ``ansible_ssh_…`` are their older names.
TAKEN = (
    "ansible_host",
    "ansible_ssh_host",
    "ansible_port",
    "ansible_ssh_port",
    "ansible_user",
    "ansible_ssh_user",
    "ansible_ssh_private_key_file",
    "ansible_private_key_file",
    "ansible_connection",
    "ansible_become",
)
SSH = ("ssh", "smart", "paramiko", "paramiko_ssh")
MOST_MACHINES = 1000

#: JSON that nobody has checked yet.
Raw = Any


def read(path: Path) -> Found:
    """The machines in *path*: an inventory, or the JSON that ``ansible-inventory --list`` printed.

    Raises UsageError when Ansible is needed and not installed, or cannot read the file.
    """
    listed = _already_listed(path)
    return found_in(_listed_by_ansible(path) if listed is None else listed)


def found_in(listed: Raw) -> Found:
    """The machines in what ``ansible-inventory --list`` prints, parsed but not checked."""
    meta = listed.get("_meta") if isinstance(listed, Mapping) else None
    variables = meta.get("hostvars") if isinstance(meta, Mapping) else None
    if not isinstance(listed, Mapping) or not isinstance(variables, Mapping):
        message = "this is not what `ansible-inventory --list` prints: no _meta.hostvars"
        raise UsageError(message)
    groups = dict(_groups(listed))
    names = sorted({*variables, *(name for members in groups.values() for name in members)})
    if len(names) > MOST_MACHINES:
        raise UsageError(f"{len(names)} machines; at most {MOST_MACHINES} are taken over at once")
    machines, left_out = [], []
    for name in names:
        mine = tuple(group for group, members in sorted(groups.items()) if name in members)
        try:
            machines.append(_machine(str(name), variables.get(name), mine))
        except NotTaken as error:
            left_out.append(f"machine {shown(str(name))}: {error}")
    return Found(machines=tuple(machines), left_out=tuple(left_out))


def _already_listed(path: Path) -> Raw | None:
    """The JSON in *path*, None when it holds something else for Ansible to read."""
    if path.suffix != ".json" or not path.is_file():
        return None
    try:
        return json.loads(read_text(path))
    except SourceError as error:
        raise UsageError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON: {error}") from error


def _listed_by_ansible(path: Path) -> Raw:
    tool = tool_path(
        "ansible-inventory",
        install="install ansible-core, or give a .json file that it printed elsewhere with --list",
    )
    with tempfile.TemporaryDirectory(prefix="matrix-ansible-") as name:
        folder = Path(name)
        settings = folder / "ansible.cfg"
        settings.touch()
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": name,
            "LANG": "C.UTF-8",
            "ANSIBLE_CONFIG": str(settings),
            "ANSIBLE_INVENTORY_ENABLED": "yaml,ini",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
        }
        argv = [tool, "--list", "-i", str(path.absolute())]
        text = output_of(argv, folder=folder, environment=environment)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{tool} printed something that is not JSON"
        raise UsageError(message) from error


def _groups(listed: Mapping[str, Raw]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Group → its own machines, without the two that hold everything."""
    for group, content in listed.items():
        hosts = content.get("hosts") if isinstance(content, Mapping) else None
        if isinstance(hosts, list) and group not in ("_meta", "all", "ungrouped"):
            yield str(group), tuple(host for host in hosts if isinstance(host, str))


def _machine(name: str, variables: Raw, groups: tuple[str, ...]) -> FoundMachine:
    given = variables if isinstance(variables, Mapping) else {}
    others = sorted(key for key in given if str(key).startswith("ansible_") and key not in TAKEN)
    notes = [f"Not taken from Ansible: {', '.join(map(str, others))}."] if others else []
    connection = _text(given, "ansible_connection") or "ssh"
    if connection == "local":
        return FoundMachine(name=name, ssh=None, groups=groups, notes=tuple(notes))
    if connection not in SSH:
        raise NotTaken(f"its connection is {shown(connection)}, not ssh or local")
    ssh = _address(name, given)
    if ssh.identity_file == IDENTITY_FILE:
        notes.append(f"Ansible names no key for it: check that {IDENTITY_FILE} is the one.")
    return FoundMachine(
        name=name,
        ssh=ssh,
        groups=groups,
        engine_sudo=given.get("ansible_become") in (True, "true", "yes"),
        notes=tuple(notes),
    )


def _address(name: str, given: Mapping[str, Raw]) -> FoundAddress:
    user = _text(given, "ansible_user", "ansible_ssh_user") or getpass.getuser()
    key = _text(given, "ansible_ssh_private_key_file", "ansible_private_key_file")
    port = given.get("ansible_port", given.get("ansible_ssh_port", 22))
    return FoundAddress(
        address=checked("address", _text(given, "ansible_host", "ansible_ssh_host") or name),
        port=checked_port(port),
        user=checked("user", user),
        identity_file=checked("line", key or IDENTITY_FILE),
        known_hosts=KNOWN_HOSTS,
    )


def _text(given: Mapping[str, Raw], *keys: str) -> str:
    """The first of *keys* that is there, as text; "" for none. Raises NotTaken for no text."""
    for key in keys:
        if key in given:
            if not isinstance(given[key], str) or "{{" in given[key]:
                raise NotTaken(f"{key} is no plain text")
            return str(given[key])
    return ""
