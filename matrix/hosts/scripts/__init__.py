"""The scripts that run on a host, all for a POSIX shell."""

from importlib import resources


def script(*names: str) -> str:
    """The text of the named scripts, one after the other."""
    folder = resources.files(__name__)
    return "".join(folder.joinpath(f"{name}.sh").read_text(encoding="utf-8") for name in names)
