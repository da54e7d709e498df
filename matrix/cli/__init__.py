"""The front door: one file per verb, loaded when it is called; exit codes are chosen here only.

| code | means                                                                                  |
|------|----------------------------------------------------------------------------------------|
| 0    | gate open, or the command did what it was asked                                        |
| 1    | a required cell FAILED                                                                 |
| 2    | usage or configuration; nothing was run                                                |
| 3    | no FAILED, but an ERROR                                                                |
| 4    | incomplete: MISSING, STALE, nothing selected, UNSUPPORTED that is not allowed by name   |
| 5    | something of ours was left on a host                                                   |
| 6    | a bundle or signature is refused                                                       |
| 70   | internal error                                                                         |
| 130  | interrupted                                                                            |
"""

import importlib
import io
import sys
from collections.abc import Sequence
from types import ModuleType

import click
from click.shell_completion import CompletionItem

import matrix

#: Command → module with a click command of the same name, and its line in ``matrix --help``:
#: the help of the whole must not import every verb.
COMMANDS = {
    "init": "Write a new project into an empty folder.",
    "doctor": "Say what this machine has and lacks for running matrix.",
    "plan": "Show which cells a run would measure, and run nothing.",
    "run": "Fill in the grid: measure cells and decide.",
    "report": "Write the newest grid, or one run, in a format of your choice.",
    "grid": "Show the cells of the newest grid that a query means.",
    "history": "Show what one cell came to before, and since when it is bad.",
    "diff": "Say what changed between runs, releases or report files.",
    "gate": "Decide from the newest grid whether to go on.",
    "merge": "Join the results of several shards to one grid and decide.",
    "waive": "Let single failures through the gate until a day.",
    "sweep": "Find and remove what a dead run has left on the hosts.",
    "image": "Build and list the images of the catalogue.",
    "env": "List, check, measure and import environments.",
    "probe": "List, write and import probes, and see whether they can fail.",
    "db": "Say where the store is, and remove what is old.",
    "bundle": "Make kits with which customers validate their own servers.",
    "key": "Make keys that sign, and say whose signatures count.",
    "verify": "Say whether a report is what its signer signed.",
    "requirements": "Print what a server must have, and what checks it.",
    "lab": "Start and stop throw-away hosts on this machine.",
    "config": "Check the project's files, or print their JSON Schema.",
    "completion": "Print the completion script for bash, zsh or fish.",
}


class LazyGroup(click.Group):
    """A group that imports a verb's module only when that verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb, or None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = _module(cmd_name).command
        assert isinstance(command, click.Command)  # noqa: S101 - a slip of ours, not of the user
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb of a command line; UsageError with what there is for one that is none."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(_module("failing").no_verb(args[0], list(COMMANDS)), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs that begin like *incomplete*, without importing them."""
        verbs = [
            CompletionItem(name, help=line)
            for name, line in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with their lines, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _module(name: str) -> ModuleType:
    """A verb, or what is only needed when something fails: ``matrix --help`` imports neither."""
    return importlib.import_module(f"matrix.cli.{name}")


def _say_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"matrix, version {matrix.__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Does this service work in that environment? Fill in the grid, with evidence.

    \b
    Start:   matrix init        a project in an empty folder
             matrix run         measure every cell, write reports/report.html
             matrix gate        exit 0 only on a green grid
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without our glyphs shows their codes; "?" would be another verdict.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(execute(arguments))


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    args = list(arguments) if arguments is not None else None
    try:
        code = cli.main(args=args, prog_name="matrix", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except Exception as error:
        return int(_module("failing").told(error))
    return code if isinstance(code, int) else 0
