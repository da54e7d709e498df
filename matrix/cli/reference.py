"""The reference of our commands, written from click: ``python -m matrix.cli.reference``.

It prints docs/reference/commands.md; a test holds the two together.
"""

import sys
from collections.abc import Iterator
from inspect import cleandoc

import click

from matrix.cli import COMMANDS, cli

HEAD = """# Commands

Made by `python -m matrix.cli.reference` from the commands themselves; `matrix COMMAND --help` says
the same.

Data goes to stdout, talk to stderr. `--json` prints the data for programs. Colour is for terminals
only, and not even there when `NO_COLOR` is set. A command that reads the project looks for
`matrix.toml` in this folder and those above.
"""

EXITS = """## Exit codes

When several hold, the first of 6, 70, 5, 130 and 143, 2, 1, 3, 4 is it.

| code | means |
|---|---|
| 0 | the gate is open, or the command did what it was asked |
| 1 | a required cell FAILED, or the grid is not as expected |
| 2 | usage or configuration; nothing was run |
| 3 | no FAILED, but an ERROR |
| 4 | incomplete: MISSING, STALE, nothing selected, or UNSUPPORTED and not allowed by name |
| 5 | something of ours was left on a host |
| 6 | a bundle or signature is refused |
| 70 | internal error |
| 130, 143 | interrupted by Ctrl-C, or by another signal |
"""

VARIABLES = """## Environment variables

| variable | means |
|---|---|
| `MATRIX_BUILD_SOCKET` | socket of the engine that builds images (`/var/run/docker.sock`) |
| `MATRIX_REGISTRY` | registry to take base images from, instead of making them from packages |
| `NO_COLOR` | no colour anywhere |
"""


def reference() -> str:
    """The whole page, as Markdown."""
    parts = [HEAD, *(_command(command, path) for path, command in commands()), EXITS, VARIABLES]
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words it is called by."""
    context = click.Context(cli, info_name="matrix")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        if command is not None:
            yield from _below(command, f"matrix {name}")


def options(command: click.Command) -> tuple[click.Option, ...]:
    """The options of a command, in the order of its help."""
    return tuple(one for one in command.params if isinstance(one, click.Option) and not one.hidden)


def _below(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name, child in command.commands.items():
        yield from _below(child, f"{path} {name}")


def _command(command: click.Command, path: str) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = [f"## `{path}`\n", f"```text\n{usage}\n```\n", *_help(command)]
    rows = [_row(option, context) for option in options(command)]
    if rows:
        lines += ["| option | default | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _help(command: click.Command) -> Iterator[str]:
    """The paragraphs of the help; those that click leaves as they are stay as they are."""
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        kept, is_kept = paragraph.removeprefix("\b").strip("\n"), paragraph.startswith("\b")
        yield f"```text\n{kept}\n```\n" if is_kept else " ".join(paragraph.split()) + "\n"


def _row(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" {_value(option, context)}"
    return f"| {names}{value} | {_default(option)} | {option.help} |"


def _value(option: click.Option, context: click.Context) -> str:
    if isinstance(option.type, click.Choice):
        return "one of " + ", ".join(str(choice) for choice in option.type.choices)
    return option.make_metavar(context)


def _default(option: click.Option) -> str:
    """The default where the help shows it: others depend on the machine or say nothing."""
    if isinstance(option.show_default, str):
        return option.show_default
    if option.show_default:
        return f"`{option.default}`"
    return ""


if __name__ == "__main__":
    sys.stdout.write(reference())
