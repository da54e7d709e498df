"""The two controls of every cell, for a container without a shell: the engine is asked."""

import secrets

from matrix.core.result import Json
from matrix.probing.fixtures import Container


def planted(container: Container) -> list[Json]:
    """The container's environment, as the engine tells it."""
    settings = container.inspect()["Config"]
    assert isinstance(settings, dict)
    environment = settings["Env"]
    assert isinstance(environment, list)
    return environment


def test_planted_nonce_is_seen(container: Container, nonce: str) -> None:
    """What was planted in the container is seen in it."""
    assert f"MATRIX_NONCE={nonce}" in planted(container)


def test_unplanted_nonce_is_not_seen(container: Container) -> None:
    """What was not planted is not seen."""
    other = secrets.token_hex(16)
    assert f"MATRIX_NONCE={other}" not in planted(container)
