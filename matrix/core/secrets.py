"""Which values of a project are secret, so that the store never writes them. Pure."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from matrix.core.model import Project

#: Environment variables whose values are secret by the custom of naming them so.
SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|PRIVATE_KEY|API_KEY", re.IGNORECASE
)
#: Values that say nothing, whatever they are called.
_ORDINARY = re.compile(r"\d{0,5}|true|false|yes|none|null|auto|default|enabled|disabled", re.I)


def secrets_of(project: Project) -> tuple[str, ...]:
    """Values of secret environment variables, and passwords in URLs, of every container."""
    settings = [
        one
        for service in project.services
        for one in (service.settings, *(companion.settings for companion in service.companions))
    ]
    return tuple(sorted({secret for one in settings for secret in _secrets(one.environment)}))


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values of a process's own environment that are secret by their names, and in its URLs.

    Nobody chose these for us: a short number or a word that means yes or no is none, since the
    like stands everywhere.
    """
    found = {secret for secret in _secrets(environment) if not _ORDINARY.fullmatch(secret)}
    return tuple(sorted(found))


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
