"""Which values of a project are never written down."""

from pathlib import Path

import pytest

from matrix.core.model import Policy, Project, RunSettings, Service
from matrix.core.secrets import secrets_of


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
