"""The commands by name."""

import typer

from trmml.cli.data import data
from trmml.cli.demo import demo
from trmml.cli.export import export
from trmml.cli.serve import serve

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Multi-label image recognition with missing labels.",
)
app.command()(demo)
app.command()(export)
app.command()(serve)
app.add_typer(data, name="data")


@app.callback()
def _keep_commands_named() -> None:
    """Multi-label image recognition with missing labels."""
