"""compat-matrix: every service on every kind of machine, with evidence for every cell."""

from importlib import import_module

# `__version__` is looked up when it is asked for: importlib.metadata takes longer to import than
# all that `matrix --help` needs of ours.


def __getattr__(name: str) -> str:
    if name != "__version__":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    metadata = import_module("importlib.metadata")
    try:
        found = str(metadata.version("compat-matrix"))
    except metadata.PackageNotFoundError:  # run from a tree that was never installed
        found = "0+unknown"
    globals()[name] = found
    return found
