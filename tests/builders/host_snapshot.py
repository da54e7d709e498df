"""What is on a lab host, seen by its administrator: nothing of the product is asked."""

import secrets
from collections import Counter
from dataclasses import dataclass, fields

from builders.rig import run

#: Prints sections; what changes by itself on a host that does nothing is left out.
LOOK = r"""
echo "@containers"; docker ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.State}}'
echo "@networks"; docker network ls --no-trunc --format '{{.ID}} {{.Name}}'
echo "@volumes"; docker volume ls --format '{{.Name}}'
echo "@images"; docker images -a -q --no-trunc | sort -u
echo "@tags"; docker images -a --digests --format '{{.Repository}}:{{.Tag}} {{.Digest}}' |
    grep -v '^<none>:<none> <none>$' | sort
echo "@rules"; iptables-save 2>/dev/null | grep '^-A' | sort
ip -o link | cut -d: -f2 | cut -d@ -f1 | sort
echo "@files"; find / \( -path /proc -o -path /sys -o -path /dev -o -path /var/lib/docker \
    -o -path '/run/docker*' -o -path '/run/containerd*' -o -path '/var/run/docker*' \) -prune \
    -o -printf '%y %p\n' 2>/dev/null | sort
echo "@processes"
for stat in /proc/[0-9]*/stat; do
    { read -r line <"$stat"; } 2>/dev/null || continue
    pid=${line%% *}; rest=${line##*) }; set -- $rest
    [ "$1" = Z ] && continue
    { tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -qxF "LOOK=$LOOK" && continue
    said=$({ tr '\0\n' '  ' <"/proc/$pid/cmdline"; } 2>/dev/null | cut -c1-150)
    printf '%s %s\n' "$pid" "$said"
done
"""
#: As LOOK, but only what the guard on the host removes without us.
GUARDED = ("containers", "networks", "volumes", "processes", "rules")
#: Those of an engine.
OBJECTS = ("containers", "networks", "volumes")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A host at one moment: lines by kind."""

    containers: Counter[str]
    networks: Counter[str]
    volumes: Counter[str]
    images: Counter[str]
    tags: Counter[str]
    rules: Counter[str]
    files: Counter[str]
    processes: Counter[str]


def look(host: str) -> Snapshot:
    """The lab host *host* as it is now."""
    token = secrets.token_hex(8)
    text = run("docker", "exec", "-e", f"LOOK={token}", f"compat-lab-{host}", "sh", "-c", LOOK)
    sections: dict[str, Counter[str]] = {field.name: Counter() for field in fields(Snapshot)}
    section = ""
    for line in text.splitlines():
        if line.startswith("@"):
            section = line[1:]
        elif line.strip():
            sections[section][line.strip()] += 1
    return Snapshot(**sections)


def difference(
    before: Snapshot, after: Snapshot, kinds: tuple[str, ...] = tuple(Snapshot.__annotations__)
) -> list[str]:
    """What came and what went between two looks, one line each."""
    found = []
    for kind in kinds:
        then, now = getattr(before, kind), getattr(after, kind)
        found += [f"+ {kind}: {line}" for line in (now - then)]
        found += [f"- {kind}: {line}" for line in (then - now)]
    return found
