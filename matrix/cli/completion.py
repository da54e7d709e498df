"""``matrix completion``: completion for the shell."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash:  matrix completion bash > ~/.local/share/bash-completion/completions/matrix
    zsh:   matrix completion zsh  > a folder of your $fpath, as _matrix
    fish:  matrix completion fish > ~/.config/fish/completions/matrix.fish
    """
    cli = click.get_current_context().find_root().command
    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"no completion for {shell}")
    click.echo(kind(cli, {}, "matrix", "_MATRIX_COMPLETE").source())
