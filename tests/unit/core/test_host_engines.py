import pytest

from matrix.core.model import Environment, Host, Kind


@pytest.mark.parametrize(
    ("own", "runs"), [("", "docker"), ("podman", "podman")], ids=["as-its-environment", "its-own"]
)
def test_a_host_has_the_engine_of_its_environment_unless_it_names_one(own, runs):
    host = Host(name="one", connection="local", engine=own)
    place = Environment(
        name="pair", title="Pair", kind=Kind.CUSTOMER, hosts=(host,), engine="docker"
    )
    assert place.engine_on(host) == runs
