"""Which values of a project are secret, so that the store never writes them. Pure."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from matrix.core.model import Project

#: Environment variables whose values are secret by the custom of naming them so.
SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|PRIVATE_KEY|API_KEY", re.IGNORECASE
)


def secrets_of(project: Project) -> tuple[str, ...]:
    """Values of secret environment variables, and passwords in URLs, of every container."""
    settings = [
        one
        for service in project.services
        for one in (service.settings, *(companion.settings for companion in service.companions))
    ]
    return tuple(sorted({secret for one in settings for secret in _secrets(one.environment)}))


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if SECRET_NAME.search(name):
            yield value
        password = _password(value)
        if password:
            yield password


def _password(value: str) -> str:
    """The password in a URL, "" for none."""
    if "://" not in value:
        return ""
    try:
        return urlsplit(value).password or ""
    except ValueError:
        return ""
