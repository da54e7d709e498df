"""What `matrix --help` has to import, since everybody waits for it: names, for a time is noise."""

import subprocess
import sys

#: Packages of others that it may import; the standard library is not among them.
OTHERS = {"click"}
#: Of the standard library: slower than all that is needed together.
SLOW = {"importlib.metadata", "email", "json", "logging", "socket", "sqlite3", "ssl", "traceback"}
LOOK = """
import sys
before = set(sys.modules)
from matrix.cli import execute
code = execute([{words}])
print("\\n" + " ".join(sorted(set(sys.modules) - before)))
sys.exit(code)
"""


def imported(*words: str) -> set[str]:
    """The modules that a command line has imported at its end."""
    source = LOOK.format(words=", ".join(map(repr, words)))
    done = subprocess.run(
        [sys.executable, "-c", source], check=True, capture_output=True, text=True, timeout=300
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_nothing_of_ours_but_the_front_door() -> None:
    ours = {name for name in imported("--help") if name.split(".")[0] == "matrix"}
    assert ours == {"matrix", "matrix.cli"}


def test_help_imports_click_and_nothing_slow() -> None:
    found = imported("--help")
    packages = {name.split(".")[0] for name in found} - sys.stdlib_module_names - {"matrix"}
    assert packages == OTHERS
    assert not found & SLOW


def test_the_version_loads_no_verb() -> None:
    ours = {name for name in imported("--version") if name.split(".")[0] == "matrix"}
    assert ours == {"matrix", "matrix.cli"}
