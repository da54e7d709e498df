"""``matrix env``: the columns of the grid."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from matrix.app import examine
from matrix.cli.output import (
    environments_of,
    file_or_stdout,
    json_option,
    plain,
    print_json,
    print_table,
    project_options,
    site,
    talk,
)
from matrix.core.drift import differing
from matrix.core.errors import UsageError
from matrix.core.gate import Exit
from matrix.core.requirements import spelled
from matrix.core.result import EnvironmentFinding, HostFinding
from matrix.loading.imports import import_inventory

#: What one fact may be, besides unknown.
FACT = str | int | float | bool

patterns = click.argument("names", nargs=-1)


@click.group("env")
def command() -> None:
    """List, check, measure and import environments."""


@command.command("list")
@project_options
@json_option
def list_environments(start: Path, inventories: Sequence[Path], as_json: bool) -> None:
    """List the environments of the inventory."""
    with site(start, inventories) as one:
        environments = one.project.environments
    if as_json:
        print_json(environments)
        return
    rows = [
        (
            environment.name,
            environment.title,
            environment.kind.value,
            environment.engine,
            ", ".join(
                f"{host.ssh.user}@{host.ssh.address}:{host.ssh.port}" if host.ssh else "local"
                for host in environment.hosts
            ),
        )
        for environment in environments
    ]
    print_table(rows, ("name", "title", "kind", "engine", "hosts"))


@command.command("show")
@click.argument("name")
@project_options
@json_option
def show(start: Path, inventories: Sequence[Path], as_json: bool, name: str) -> None:
    """Show all that the inventory says of one environment, and what was found there last."""
    with site(start, inventories) as one:
        environment = environments_of(one.project, (name,))[0]
        finding = one.store.newest_findings().get(environment.name)
    if as_json:
        print_json({"environment": environment, "finding": finding})
        return
    print_table(list(_settings(plain(environment))), ("setting", "value"))
    if finding is not None:
        click.echo()
        _print_facts({environment.name: finding})


@command.command("check")
@patterns
@project_options
@json_option
def check(start: Path, inventories: Sequence[Path], as_json: bool, names: Sequence[str]) -> int:
    """Connect to environments, measure them and run a tiny container there.

    Exits with 0 when all can be used, 3 when one cannot.
    """
    findings = _examine(start, inventories, names)
    if as_json:
        print_json(findings)
    else:
        rows = [
            (
                "!" if host.fault else "✓",
                finding.environment,
                host.host,
                f"{host.fault.reason}: {host.fault.message}" if host.fault else "ready",
            )
            for finding in findings.values()
            for host in finding.hosts
        ]
        print_table(rows, ("", "environment", "host", "finding"))
    faulty = any(finding.fault for finding in findings.values())
    return Exit.ERROR if faulty else Exit.OPEN


@command.command("facts")
@patterns
@click.option("--diff", is_flag=True, help="Only what differs: between two, or between hosts.")
@project_options
@json_option
def facts(
    *, start: Path, inventories: Sequence[Path], as_json: bool, diff: bool, names: Sequence[str]
) -> int:
    """Measure environments and print their facts, side by side.

    `--diff A B` prints only those that matter and are not the same everywhere.
    """
    findings = _examine(start, inventories, names)
    if diff:
        _print_differences(findings, as_json=as_json)
    elif as_json:
        print_json(findings)
    else:
        _print_facts(findings)
    return Exit.ERROR if any(finding.fault for finding in findings.values()) else Exit.OPEN


@command.command("import")
@click.option(
    "--from",
    "source",
    type=click.Choice(["ansible", "ssh-config"]),
    required=True,
    help="What PATH is.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=file_or_stdout,
    help="Write to this file instead of stdout; it must not exist yet.",
)
@click.argument("path", type=click.Path(path_type=Path, exists=True))
def import_environments(source: str, output: Path | None, path: Path) -> None:
    """Write an inventory from an Ansible inventory or an OpenSSH client configuration."""
    text = import_inventory(source, path)
    if output is None:
        click.echo(text, nl=False)
        return
    if output.exists():
        raise UsageError(f"{output} exists already; choose another --output")
    output.write_text(text, encoding="utf-8")
    talk(f"inventory: {output} (read it before you use it)")


def _examine(
    start: Path, inventories: Sequence[Path], names: Sequence[str]
) -> dict[str, EnvironmentFinding]:
    with site(start, inventories) as one:
        environments = environments_of(one.project, names)
        found = examine(one, environments, watch=lambda event: talk(event.text))
    return {finding.environment: finding for finding in found}


def _print_differences(findings: Mapping[str, EnvironmentFinding], *, as_json: bool) -> None:
    """A row for each fact that is not the same on every host, a column for each host."""
    hosts = _hosts(findings)
    rows = differing({name: host.facts for name, host in hosts.items()})
    if as_json:
        print_json({fact: dict(zip(hosts, row, strict=True)) for fact, row in rows.items()})
        return
    table = [[fact, *(_short(value) for value in row)] for fact, row in rows.items()]
    print_table(table, ("fact", *hosts))
    for name, host in hosts.items():
        if host.fault is not None:
            talk(f"{name}: {host.fault.reason}: {host.fault.message}")


def _hosts(findings: Mapping[str, EnvironmentFinding]) -> Mapping[str, HostFinding]:
    """Every host by the name it has beside those of other environments."""
    return {
        (f"{name}/{host.host}" if len(finding.hosts) > 1 else name): host
        for name, finding in findings.items()
        for host in finding.hosts
    }


def _print_facts(findings: Mapping[str, EnvironmentFinding]) -> None:
    """A row for each fact, a column for each host."""
    hosts = _hosts(findings)
    keys = sorted({key for host in hosts.values() for key in host.facts})
    rows = [[key, *(_short(host.facts.get(key, "")) for host in hosts.values())] for key in keys]
    rows.append(["fingerprint", *(host.fingerprint[:12] for host in hosts.values())])
    print_table(rows, ("fact", *hosts))
    for name, host in hosts.items():
        if host.fault is not None:
            talk(f"{name}: {host.fault.reason}: {host.fault.message}")
        for deviation in host.deviations:
            talk(f"{name}: {deviation}")


def _short(value: object, width: int = 60) -> str:
    # Lists and tables come only from the inventory, facts are plain.
    text = spelled(value) if value is None or isinstance(value, FACT) else str(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _settings(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every setting that says something: dotted key and value; empty ones are left out."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _settings(one, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from _settings(one, f"{key}[{at}]" if isinstance(one, Mapping) else key)
    elif value not in (None, ""):
        yield key, spelled(value) if isinstance(value, FACT) else str(value)
