"""The files of this repository, and the page that explains them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from matrix.loading import load_expected, load_project, schema
from matrix.loading.reference import reference, tables
from matrix.loading.schema import FILES

ROOT = Path(__file__).parents[3]


def test_the_project_of_this_repository_loads():
    project = load_project(ROOT)
    assert {service.name for service in project.services} >= {"queue", "web", "api"}
    assert {environment.name for environment in project.environments} >= {"laptop", "qa"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "inventories").glob("*.toml")), ids=lambda path: path.name
)
def test_every_inventory_of_this_repository_loads(path):
    if path.name.endswith(".expected.toml"):
        assert load_expected(path)
    else:
        assert load_project(ROOT, inventory=[path]).environments


def test_the_lab_is_expected_cell_by_cell():
    project = load_project(ROOT)
    cells = {
        f"{service.name}@{environment.name}"
        for service in project.services
        for environment in project.environments
    }
    expected = load_expected(ROOT / "inventories/lab.expected.toml")
    assert {str(cell) for cell in expected} == cells


def test_the_reference_is_what_the_loader_checks():
    page = (ROOT / "docs/reference/configuration.md").read_text()
    assert page == reference(), (
        "run: python -m matrix.loading.reference > docs/reference/configuration.md"
    )


def keys_in(node):
    """Every key that a schema names, wherever it stands."""
    if isinstance(node, Mapping):
        yield from node.get("properties", {})
        for part in node.values():
            yield from keys_in(part)
    elif isinstance(node, list):
        for part in node:
            yield from keys_in(part)


@pytest.mark.parametrize("which", FILES)
def test_every_key_of_a_schema_is_documented_with_its_meaning(which):
    rows = [row for table in tables(which) for row in table.rows]
    headers = " ".join(table.header for table in tables(which))
    documented = {row[0].strip("`") for row in rows}
    undocumented = {key for key in keys_in(schema(which)) if key not in documented}
    assert {key for key in undocumented if key not in headers} == set()
    assert [row for row in rows if not all(row)] == []
