"""compat-matrix: every service on every kind of machine, with evidence for every cell."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("compat-matrix")
except PackageNotFoundError:  # run from a tree that was never installed
    __version__ = "0+unknown"
