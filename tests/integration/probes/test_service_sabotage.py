"""The services' own probes: green on services as they should be, and each of them red when what it
looks at is broken on purpose. What is broken stands in ``probes/<service>/sabotage.toml``."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from builders.sabotage import NOTHING, Sabotage, attempt, open_tools

from matrix.core.model import Port, Project, Readiness, RunSettings, Service
from matrix.core.verdict import Verdict
from matrix.execution.toolbox import Toolbox
from matrix.loading import load_project
from matrix.probing.prober import PytestProber
from matrix.wiring import build_missing

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[3]
SERVICES = ("queue", "web", "api")
ROWS = [
    (service, row)
    for service in SERVICES
    for row in tomllib.loads((ROOT / f"probes/{service}/sabotage.toml").read_text())["sabotage"]
]


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(ROOT)


@pytest.fixture(scope="module")
def image_ids(project: Project) -> dict[str, str]:
    used = [name for service in SERVICES for name in images_of(find(project, service))]
    return {one.name: one.id for one in build_missing(project, used, observe=lambda _: None)}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolbox]:
    with (
        PytestProber() as prober,
        open_tools(tmp_path_factory.mktemp("store"), prober) as opened,
    ):
        yield opened


def find(project: Project, name: str) -> Service:
    return next(service for service in project.services if service.name == name)


def images_of(service: Service) -> set[str]:
    return {service.image, *(companion.image for companion in service.companions)}


def functions(tools: Toolbox, service: Service) -> dict[str, list[str]]:
    """``<file>::<function>`` of each probe of the service → its ids, one for each parameter."""
    found: dict[str, list[str]] = {}
    for probe in tools.prober.collect(service.probes):
        folder, _, name = probe.id.partition("/")
        if folder == service.name:
            found.setdefault(name.partition("[")[0], []).append(name)
    return found


def changed(settings: RunSettings, wrong: Mapping[str, object]) -> RunSettings:
    """The settings with what a sabotage says in place of what the catalogue says."""
    values = dict(wrong)
    if "command" in values:
        values["command"] = tuple(values["command"])
    if "environment" in values:
        values["environment"] = {**settings.environment, **values["environment"]}
    if "ports" in values:
        values["ports"] = tuple(
            Port(name=name, container=number) for name, number in values["ports"].items()
        )
    if "readiness" in values:
        values["readiness"] = Readiness(command=values["readiness"]["command"])
    return replace(settings, **values)


def sabotaged(service: Service, row: Mapping[str, object]) -> Service:
    """The service with one container changed as *row* says."""
    wrong = row.get("settings", {})
    if not row["target"]:
        return replace(service, settings=changed(service.settings, wrong))
    companions = tuple(
        replace(one, settings=changed(one.settings, wrong)) if one.name == row["target"] else one
        for one in service.companions
    )
    return replace(service, companions=companions)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_as_it_should_be_passes_all(
    name: str, project: Project, tools: Toolbox, image_ids: dict[str, str]
):
    service = find(project, name)
    found = attempt(tools, service, image_ids, folders=service.probes, sabotage=NOTHING)
    seen = {name: (one.verdict, one.message) for name, one in found.items()}
    assert seen == dict.fromkeys(found, (Verdict.PASSED, ""))
    assert len(found) >= 10


@pytest.mark.parametrize("name", SERVICES)
def test_every_probe_has_a_sabotage(name: str, project: Project, tools: Toolbox):
    named = {probe for service, row in ROWS if service == name for probe in row["probes"]}
    assert named == set(functions(tools, find(project, name)))


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "row"), ROWS, ids=[f"{name}: {row['name']}" for name, row in ROWS]
)
def test_it_is_red(
    name: str,
    row: Mapping[str, object],
    project: Project,
    tools: Toolbox,
    image_ids: dict[str, str],
):
    service = find(project, name)
    known = functions(tools, service)
    probes = tuple(one for function in row["probes"] for one in known[function])
    found = attempt(
        tools,
        sabotaged(service, row),
        image_ids,
        folders=service.probes,
        sabotage=Sabotage(
            name=row["name"], probes=probes, exec=row.get("exec", ""), target=row["target"]
        ),
        only=frozenset(probes),
    )
    assert {one: found[one].verdict for one in probes} == dict.fromkeys(probes, Verdict.FAILED), [
        f"{one}: {found[one].verdict} {found[one].message}" for one in probes
    ]
