"""``matrix bundle``: kits for customers."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import click

from matrix.bundle.keys import sign_file
from matrix.bundling import KitWish, build_kit, quickest_services
from matrix.cli.output import (
    environments_of,
    json_option,
    print_json,
    project_options,
    say_build,
    talk,
)
from matrix.cli.returned import bundle_import
from matrix.cli.signing import private_key
from matrix.cli.verify import bundle_verify
from matrix.core.errors import UsageError
from matrix.core.model import Environment, Project, Service
from matrix.core.selection import matching
from matrix.core.text import size_text
from matrix.importing import record_kit
from matrix.report.needs import render_needs
from matrix.requiring import needs
from matrix.site import open_project, opened, opened_store

SUFFIX = ".matrix"
VALID_DAYS = 30
#: What the catalogue calls the image with an interpreter for the runner.
RUNNER = "runner"
NOT_SIGNED = "not signed: the customer cannot tell that it is from you; give --key to sign it"


@click.group("bundle")
def command() -> None:
    """Make kits with which customers validate their own servers, and take in what comes back."""


command.add_command(bundle_verify)
command.add_command(bundle_import)


@command.command("build")
@click.option("--for", "customer", required=True, help="Environment of the inventory it is for.")
@click.option(
    "--service", "-s", "services", multiple=True, help="Services to check (default: all)."
)
@click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
@click.option(
    "--valid-days",
    default=VALID_DAYS,
    show_default=True,
    type=click.IntRange(1, 366),
    help="Days from now on which it may be used.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Private key to sign the kit with; without it there is no signature.",
)
@click.option(
    "--runner",
    metavar="IMAGE",
    help=f"Image the runner runs in where there is no Python (default: {RUNNER}, if there is one).",
)
@project_options
@json_option
def build(
    *,
    start: Path,
    inventories: Sequence[Path],
    as_json: bool,
    customer: str,
    services: Sequence[str],
    out: Path | None,
    valid_days: int,
    key: Path | None,
    runner: str | None,
) -> None:
    """Make one file with the runner, the images and the probes, and its signature beside it.

    The customer runs it with `sh FILE preflight`; nothing needs to be installed there. The project
    remembers the kit, so that what comes back from it counts: see `matrix bundle import`.
    """
    project = open_project(start, inventories)
    private = private_key(key) if key else None
    environment, chosen = _one(project, customer), _services(project, services)
    with opened(project) as site:
        chosen = quickest_services(site, chosen)
    wish = KitWish(
        customer=environment,
        services=chosen,
        valid=timedelta(days=valid_days),
        runner=_runner(project, runner),
        requirements=partial(_requirements, project, chosen),
        out=(out or Path(f"{environment.name}{SUFFIX}")).absolute(),
        observe=say_build,
        say=talk,
    )
    manifest = build_kit(project, wish)
    talk(f"signed: {sign_file(wish.out, private)}" if private else NOT_SIGNED)
    with opened_store(project) as store:
        record_kit(store, wish.out)
    if as_json:
        print_json({"file": str(wish.out), "kit": manifest.model_dump(mode="json")})
    talk(f"kit: {wish.out} ({size_text(wish.out.stat().st_size)})")


def _one(project: Project, name: str) -> Environment:
    found = environments_of(project, [name])
    if len(found) != 1:
        raise UsageError(f"a kit is for one environment, {name} stands for {len(found)}")
    return found[0]


def _services(project: Project, patterns: Sequence[str]) -> tuple[Service, ...]:
    names = matching(patterns, [one.name for one in project.services], what="service")
    return tuple(one for one in project.services if one.name in names)


def _runner(project: Project, wanted: str | None) -> str | None:
    names = [image.name for image in project.images]
    if wanted is not None and wanted not in names:
        raise UsageError(f"--runner {wanted}: the catalogue has no such image")
    if wanted is None and RUNNER not in names:
        talk(f"the catalogue has no image {RUNNER}: this kit needs CPython where it is run")
        return None
    return wanted or RUNNER


def _requirements(project: Project, services: Sequence[Service]) -> str:
    with opened(project) as site:
        found = needs(site, services)
    return render_needs("text", found, services=[service.name for service in services])
