"""The commands by name."""

import typer

from trmml.cli.compare import compare
from trmml.cli.data import data
from trmml.cli.demo import demo
from trmml.cli.eval import evaluate
from trmml.cli.export import export
from trmml.cli.heatmap import heatmap
from trmml.cli.info import info
from trmml.cli.label import label
from trmml.cli.methods import methods
from trmml.cli.predict import predict
from trmml.cli.serve import serve
from trmml.cli.train import train

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Multi-label image recognition with missing labels.",
)
app.command()(train)
app.command()(compare)
app.command("eval")(evaluate)
app.command()(predict)
app.command()(heatmap)
app.command()(label)
app.command()(demo)
app.command()(methods)
app.command()(info)
app.command()(export)
app.command()(serve)
app.add_typer(data, name="data")


@app.callback()
def _keep_commands_named() -> None:
    """Multi-label image recognition with missing labels."""
