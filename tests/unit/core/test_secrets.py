"""Which values of a project are never written down."""

from pathlib import Path

import pytest

from matrix.core.model import Policy, Project, RunSettings, Service
from matrix.core.secrets import secrets_in, secrets_of


@pytest.mark.parametrize(
    ("environment", "secrets"),
    [
        pytest.param({"DATABASE_PASSWORD": "hunter22"}, ("hunter22",), id="by its name"),
        pytest.param({"api_token": "abcdef"}, ("abcdef",), id="whatever the case"),
        pytest.param({"URL": "redis://me:hunter22@queue/0"}, ("hunter22",), id="in a URL"),
        pytest.param({"URL": "redis://queue:6379/0"}, (), id="a URL without one"),
        pytest.param({"URL": "http://[broken"}, (), id="no URL at all"),
        pytest.param({"MODE": "production"}, (), id="an ordinary value"),
    ],
)
def test_secrets_are_found_by_name_and_in_urls(
    environment: dict[str, str], secrets: tuple[str, ...]
) -> None:
    service = Service(
        name="api",
        title="API",
        contents="",
        image="api",
        settings=RunSettings(environment=environment),
    )
    project = Project(
        root=Path(),
        name="shop",
        services=(service,),
        images=(),
        environments=(),
        policy=Policy(),
        catalogue_file=Path("/p/images/catalogue.toml"),
        policy_file=Path("/p/policy.toml"),
        outside_probes=Path(),
        reports=Path(),
        state=Path(),
    )
    assert secrets_of(project) == secrets


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("GITHUB_TOKEN", "abcdefgh", True),
        ("PIN_SECRET", "123456", True),
        ("HTTPS_PROXY", "http://me:abcdefgh@proxy:3128", True),
        ("TOKEN_SECONDS", "3600", False),
        ("USE_SECRETS", "true", False),
        ("EMPTY_PASSWORD", "", False),
        ("PATH", "/usr/bin", False),
    ],
)
def test_of_a_process_what_stands_everywhere_is_no_secret(name: str, value: str, secret: bool):
    found = secrets_in({name: value})
    assert bool(found) is secret
    assert all(one in value for one in found)
