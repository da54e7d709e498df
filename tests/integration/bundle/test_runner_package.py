"""The runner that a kit brings is the one that made the kit, and says so."""

import subprocess
import sys

from matrix import __version__
from matrix.bundle.wheels import write_own_package

ASK = "import sys; sys.path.insert(0, sys.argv[1]); import matrix; print(matrix.__version__)"


def test_the_runner_in_a_kit_knows_its_version(tmp_path):
    package = tmp_path / "own.zip"
    write_own_package(package)
    # Nothing that is installed here is on the path of this Python.
    command = [sys.executable, "-I", "-S", "-c", ASK, str(package)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert said.stdout.strip() == __version__
