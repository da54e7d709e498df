"""Every error says which verdict it means, and why, in words of its own."""

import re
from collections import Counter

import pytest

from matrix.core.errors import (
    ConfigError,
    ConfigFault,
    EngineError,
    HostError,
    MatrixError,
    ServiceFailure,
)
from matrix.core.verdict import Verdict

REASON = re.compile(r"[a-z]+([-:][a-z]+)*")


def below(root: type[MatrixError]) -> list[type[MatrixError]]:
    ours = [kind for kind in root.__subclasses__() if kind.__module__ == root.__module__]
    return [root, *(kind for child in ours for kind in below(child))]


EVERY = below(MatrixError)
by_name = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)


@by_name
def test_it_has_a_verdict_that_can_be_measured(kind):
    assert kind.verdict in set(Verdict) - {Verdict.STALE, Verdict.PASSED, Verdict.WARNED}


@by_name
def test_its_reason_is_its_own(kind):
    assert REASON.fullmatch(kind.reason)
    assert "reason" in vars(kind)


def test_no_two_errors_give_the_same_reason():
    assert [reason for reason, count in Counter(k.reason for k in EVERY).items() if count > 1] == []


@pytest.mark.parametrize(
    "kind", [kind for kind in EVERY if kind is not ConfigError], ids=lambda kind: kind.__name__
)
def test_its_docstring_is_its_default_message(kind):
    first = (kind.__doc__ or "").strip().splitlines()[0]
    assert len(first) > len("x.")
    assert str(kind()) == first
    assert str(kind("what, where, and what to do")) == "what, where, and what to do"


def test_only_the_service_itself_can_fail():
    assert {kind for kind in EVERY if kind.verdict is Verdict.FAILED} == set(below(ServiceFailure))


def test_a_host_is_never_the_services_fault():
    assert {kind.verdict for kind in below(HostError)} == {Verdict.ERROR}


def test_of_an_engine_only_the_architecture_is_no_error():
    others = {kind.reason for kind in below(EngineError) if kind.verdict is not Verdict.ERROR}
    assert others == {"architecture"}


def test_a_failure_of_the_service_is_never_tried_again():
    assert not any(kind.retryable for kind in EVERY if kind.verdict is Verdict.FAILED)


def test_a_refused_machine_is_never_tried_again():
    refused = {"hostkey", "auth", "ssh-negotiation"}
    assert not any(kind.retryable for kind in EVERY if kind.reason in refused)


def test_a_config_error_says_every_fault_with_file_key_and_remedy():
    faults = (
        ConfigFault(file="a.toml", key="x.y", found="3", allowed="a text"),
        ConfigFault(file="b.toml", key="", found="is empty", allowed="see matrix init"),
    )
    error = ConfigError(faults)
    assert error.faults == faults
    assert str(error) == "a.toml: x.y: 3 (a text)\nb.toml: is empty (see matrix init)"
