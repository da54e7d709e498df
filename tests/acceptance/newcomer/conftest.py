"""One installation for all who come anew, and a project of theirs with a grid."""

import shutil

import pytest
from builders.installed import build_wheel, install


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    return install(wheel, tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="session")
def shop(installed, tmp_path_factory):
    """A project as ``matrix init`` leaves it; not to be changed."""
    folder = tmp_path_factory.mktemp("stranger")
    answer = installed.matrix("init", "shop", at=folder)
    assert answer.code == 0, answer.err
    return folder / "shop"


@pytest.fixture(scope="session")
def first_run(installed, shop):
    """What the first `matrix run` of the project said."""
    return installed.matrix("run", at=shop)


@pytest.fixture
def scratch(shop, tmp_path):
    """A copy of the project's files, to be broken."""
    return shutil.copytree(shop, tmp_path / "shop", ignore=shutil.ignore_patterns(".matrix"))
