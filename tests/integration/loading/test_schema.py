"""JSON Schema of our files, as editors use it, against what the loader takes."""

import tomllib

import jsonschema
import pytest

from matrix.core.errors import ConfigError, UsageError
from matrix.engines import ENGINES
from matrix.hosts import CONNECTIONS
from matrix.loading import inventory, schema
from matrix.loading.schema import FILES

NAMES = {
    "project": "matrix.toml",
    "catalogue": "images/catalogue.toml",
    "inventory": "inventories/lab.toml",
}


@pytest.mark.parametrize("which", FILES)
def test_a_schema_is_one(which):
    jsonschema.Draft202012Validator.check_schema(schema(which))


@pytest.mark.parametrize("which", NAMES)
def test_what_the_loader_takes_fits_the_schema(files, which):
    files.load()
    data = tomllib.loads((files.root / NAMES[which]).read_text())
    jsonschema.Draft202012Validator(schema(which)).validate(data)


@pytest.mark.parametrize(
    ("which", "old", "new"),
    [
        ("project", 'name = "demo"', 'nam = "demo"'),
        ("project", 'fresh = "7d"', 'fresh = "a week"'),
        ("catalogue", "[services.web]", "[services.Web]"),
        ("catalogue", 'memory = "64MiB"', "memory = 64"),
        ("catalogue", '{ ">=" = "1.40" }', '{ "=>" = "1.40" }'),
        ("catalogue", "redis = 6379", "redis = 65536"),
        ("catalogue", 'volumes = ["/data"]', 'volumes = ["/:/host"]'),
        ("inventory", 'kind = "qa"', 'kind = "quality"'),
        ("inventory", 'user = "me"', 'user = "-me"'),
        ("inventory", "max_sessions = 2", "max_session = 2"),
    ],
)
def test_what_an_editor_underlines_the_loader_refuses(files, which, old, new):
    files.change(NAMES[which], old, new)
    data = tomllib.loads((files.root / NAMES[which]).read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema(which)).validate(data)
    with pytest.raises(ConfigError):
        files.load()


def test_an_unknown_kind_of_file_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match='did you mean "catalogue"'):
        schema("catalog")


def test_the_engines_and_connections_that_files_may_name_are_those_there_are():
    assert set(inventory.ENGINES) == set(ENGINES)
    assert set(inventory.CONNECTIONS) == set(CONNECTIONS)
