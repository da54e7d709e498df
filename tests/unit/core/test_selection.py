"""Patterns of the command line against the names of a project."""

from pathlib import Path

import pytest

from matrix.core.errors import UsageError
from matrix.core.model import Environment, Kind, Policy, Project, RunSettings, Service
from matrix.core.selection import select


def project(services=("queue", "web"), environments=None):
    environments = environments or {
        "laptop": Kind.LAPTOP,
        "qa": Kind.QA,
        "customer-a": Kind.CUSTOMER,
        "customer-b": Kind.CUSTOMER,
    }
    return Project(
        root=Path("/p"),
        name="p",
        services=tuple(
            Service(name=name, title=name, contents="", image=name, settings=RunSettings())
            for name in services
        ),
        images=(),
        environments=tuple(
            Environment(name=name, title=name, kind=kind, hosts=(), engine="docker")
            for name, kind in environments.items()
        ),
        policy=Policy(),
        catalogue_file=Path("/p/images/catalogue.toml"),
        policy_file=Path("/p/policy.toml"),
        outside_probes=Path("/p/o"),
        reports=Path("/p/r"),
        state=Path("/p/s"),
    )


def ids(**wanted):
    return [str(cell) for cell in select(project(), **wanted)]


def test_nothing_said_means_every_cell_row_by_row():
    assert ids()[:3] == ["queue@laptop", "queue@qa", "queue@customer-a"]
    assert len(ids()) == 8


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"services": ["queue"], "environments": ["qa"]}, ["queue@qa"]),
        ({"cells": ["*@customer-?"], "services": ["w*"]}, ["web@customer-a", "web@customer-b"]),
        ({"kinds": ["laptop", "qa"], "services": ["web"]}, ["web@laptop", "web@qa"]),
        ({"exclude": ["queue@*", "*@customer-*"]}, ["web@laptop", "web@qa"]),
        ({"services": ["queue"], "exclude": ["queue@*"]}, []),
    ],
)
def test_what_is_given_together_must_all_match(wanted, expected):
    assert ids(**wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"services": ["queu"]}, 'no service matches "queu" (did you mean "queue"? known: queue'),
        ({"environments": ["prod*"]}, "known: laptop, qa, customer-a, customer-b)"),
        ({"cells": ["queue@prod"]}, 'no cell matches "queue@prod"'),
        ({"exclude": ["queue"]}, 'no cell matches "queue"'),
        ({"kinds": ["qq"]}, 'no kind of environment is called "qq"'),
        ({"services": ["Queue"]}, 'did you mean "queue"'),
    ],
)
def test_a_pattern_that_matches_nothing_is_refused_with_what_there_is(wanted, words):
    with pytest.raises(UsageError) as caught:
        select(project(), **wanted)
    assert words in str(caught.value)


def test_a_project_with_nothing_in_it_says_so():
    with pytest.raises(UsageError, match="there is none"):
        select(project(services=()), services=["queue"])
