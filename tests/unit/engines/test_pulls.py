"""A pull whose time is over: whether the registry failed, or the line was only slow."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from matrix.core.errors import DeadlineExceeded, MatrixError, PullFailed
from matrix.engines.images import ImageVerbs

REFERENCE = "shop@sha256:" + "0" * 64


def came(current: int | None = None, *, total: int = 100, layer: str = "a") -> dict:
    detail = {} if current is None else {"current": current, "total": total}
    return {"status": "Downloading", "progressDetail": detail, "id": layer}


def says(status: str, *, layer: str = "a") -> dict:
    return {"status": status, "progressDetail": {}, "id": layer}


def how_it_ends(*messages: dict) -> type[MatrixError]:
    """The error of a pull whose time is over when it has heard the last of *messages*."""
    images, heard = ImageVerbs(), []
    images._api = SimpleNamespace(post_stream=lambda *_, **__: nullcontext(iter(messages)))

    def progress(**_):
        heard.append(_)
        if len(heard) == len(messages):
            raise DeadlineExceeded("over")

    with pytest.raises(MatrixError) as caught:
        images.pull_image(REFERENCE, architecture="amd64", seconds=9, progress=progress)
    return caught.type


@pytest.mark.parametrize(
    "messages",
    [
        [says("Retrying in 1 second")],
        # What Docker 20.10 says at the moment of its third try.
        [says("Retrying in 1 second"), came()],
        [came(40), says("Retrying in 1 second"), came(30)],
        [says("Retrying in 1 second"), came(30, layer="b")],
        [says("Retrying in 1 second"), says("Download complete", layer="b")],
    ],
)
def test_a_layer_that_failed_and_got_no_further_is_a_registry_that_fails(messages):
    assert how_it_ends(*messages) is PullFailed


@pytest.mark.parametrize(
    "messages",
    [
        [says("Pulling fs layer")],
        [came(40)],
        [came(40), says("Retrying in 1 second"), came(41)],
        # It goes on behind what has come, and counts that as nothing.
        [came(60), says("Retrying in 1 second"), came(1, total=40)],
        [says("Retrying in 1 second"), came(1)],
        [says("Retrying in 1 second"), says("Download complete"), came(30, layer="b")],
    ],
)
def test_a_slow_line_is_a_deadline_that_is_over(messages):
    assert how_it_ends(*messages) is DeadlineExceeded
