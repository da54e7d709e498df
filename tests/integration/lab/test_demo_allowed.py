"""`make demo` as an ordinary user: what is missing is said at once, before anything is done."""

import subprocess
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[3] / ".ci/check"
AS_NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
#: No package is called so.
PACKAGE = "compat-matrix-nonesuch"


def check(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    named = [f"{name}={value}" for name, value in variables.items()]
    command = ["env", *named, str(CHECK), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def as_nobody(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    named = [f"{name}={value}" for name, value in variables.items()]
    # Read from a pipe: the folder may be closed to others.
    command = [*AS_NOBODY, "env", *named, "sh", "-s", *words]
    text = CHECK.read_text().replace('cd "$(dirname "$0")/.." || exit 2\n', "")
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=300, check=False, cwd="/"
    )


def test_root_lacks_nothing_since_it_can_install_what_is_missing():
    assert check(PACKAGE).returncode == 0


@pytest.mark.parametrize(
    ("socket", "words"),
    [
        ("unix:///nonexistent/docker.sock", "the container engine does not run"),
        ("unix:///var/run/docker.sock", "may not use the container engine"),
    ],
    ids=["no-engine", "not-in-the-group"],
)
def test_all_that_only_root_can_give_is_named_with_its_remedy(socket: str, words: str):
    done = as_nobody(PACKAGE, DOCKER_HOST=socket)
    assert done.returncode == 2
    assert f"sudo apt-get install --no-install-recommends {PACKAGE}" in done.stderr
    assert words in done.stderr
    assert done.stdout == ""
