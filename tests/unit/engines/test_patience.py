"""How long an engine is waited for."""

from pathlib import Path

import pytest
import requests

from matrix.engines.wire import SILENT_SECONDS, SocketAdapter


@pytest.fixture
def adapter(monkeypatch) -> SocketAdapter:
    """An adapter whose requests are answered, or not, by what ``answers`` holds."""
    adapter = SocketAdapter(Path("/nowhere"), connections=1, seconds=30)
    adapter.answers, adapter.waited = [], []

    def send(_, request, *, timeout):
        adapter.waited.append(timeout)
        answer = adapter.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)
    return adapter


def ask(adapter: SocketAdapter, timeout: object) -> None:
    try:
        adapter.send(requests.PreparedRequest(), timeout=timeout)
    except requests.Timeout:
        return


def test_an_engine_that_was_silent_is_not_waited_for_as_long_again_until_it_answers(adapter):
    answer = requests.Response()
    adapter.answers = [requests.ReadTimeout(), requests.ReadTimeout(), answer, answer]
    for _ in range(4):
        ask(adapter, 30)
    assert adapter.waited == [30, SILENT_SECONDS, SILENT_SECONDS, 30]


def test_a_transfer_that_may_be_silent_for_long_keeps_its_time(adapter):
    adapter.answers = [requests.ReadTimeout(), *[requests.ReadTimeout()] * 2]
    ask(adapter, 30)
    ask(adapter, (600, 30))
    ask(adapter, (None, 30))
    assert adapter.waited == [30, (SILENT_SECONDS, SILENT_SECONDS), (None, 30)]
