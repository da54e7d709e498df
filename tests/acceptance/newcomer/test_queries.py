"""The part of a grid that a query means: as the command line shows it."""

import json

import pytest
from builders.seeded import NO_ENGINE, a_result, keep

from matrix.cli import execute
from matrix.core.verdict import Verdict
from matrix.loading import load_project

PLACES = {"qa": "qa", "acme-1": "customer", "acme-2": "customer"}
PASSED, FAILED, ERROR = Verdict.PASSED, Verdict.FAILED, Verdict.ERROR
#: Service by service, what it came to in each place.
FOUND = {"queue": (FAILED, PASSED, PASSED), "web": (FAILED, FAILED, ERROR)}


def an_environment(name, kind):
    return (
        f'[environments.{name}]\nkind = "{kind}"\nengine = "docker"\n'
        f'[[environments.{name}.hosts]]\nname = "{name}"\nconnection = "local"\n'
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Two services in three environments, all measured in release 1.0 and since."""
    folder = tmp_path_factory.mktemp("shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MATRIX_BUILD_SOCKET", NO_ENGINE)
        patch.chdir(folder)
        fill(folder)
        yield folder


def fill(folder):
    assert execute(["init", str(folder)]) == 0
    catalogue = folder / "images/catalogue.toml"
    image, _, service = catalogue.read_text().partition("[services.hello]")
    catalogue.write_text(image + "".join(f"[services.{name}]{service}\n" for name in FOUND))
    inventory = "".join(an_environment(name, kind) for name, kind in PLACES.items())
    (folder / "inventories/local.toml").write_text(inventory)
    read = load_project(folder)
    every = {
        f"{row}@{place}": verdict
        for row, found in FOUND.items()
        for place, verdict in zip(PLACES, found, strict=True)
    }
    keep(folder, [a_result(read, cell, PASSED) for cell in every], release="1.0")
    keep(folder, [a_result(read, cell, one, message="no") for cell, one in every.items()])


def asked(capsys, *words):
    capsys.readouterr()
    assert execute(["grid", "--json", *words]) == 0
    return [one["cell"] for one in json.loads(capsys.readouterr().out)["cells"]]


@pytest.mark.parametrize(
    ("words", "cells"),
    [
        (["fails:one"], ["queue@qa"]),
        (["fails:one kind:customer"], []),
        (["fails:all"], ["web@qa", "web@acme-1"]),
        (["env:acme-*", "status:failed"], ["web@acme-1"]),
        (["-is:green"], ["queue@qa", "web@qa", "web@acme-1", "web@acme-2"]),
        (["-status:failed,passed"], ["web@acme-2"]),
        (["--", "-status:failed", "-web"], ["queue@acme-1", "queue@acme-2"]),
        (["is:changed"], []),
        (["is:changed", "--compare", "1.0"], ["queue@qa", "web@qa", "web@acme-1", "web@acme-2"]),
    ],
    ids=" ".join,
)
def test_a_query_means_exactly_its_cells(project, capsys, words, cells):
    assert asked(capsys, *words) == cells


def test_the_part_is_shown_with_its_reasons(project, capsys):
    capsys.readouterr()
    assert execute(["grid", "fails:all", "kind:customer"]) == 0
    said = capsys.readouterr().out
    assert "✗ FAILED web@acme-1: no" in said
    assert "queue" not in said
    assert said.endswith("1 of 6 cells\n")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("colour:red", 'no key is called "colour"'),
        ("status:red", 'no status is called "red"'),
        ("age:>3", "an age is written like >7d"),
        ("service:", "says nothing"),
        ('"open', "a quote is not closed"),
    ],
)
def test_what_is_no_query_is_refused_with_what_would_be_one(project, capsys, query, says):
    capsys.readouterr()
    assert execute(["grid", query]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.out == ""
