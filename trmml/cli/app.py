"""The commands by name."""

from typing import Annotated, ClassVar

import typer

from trmml import __version__
from trmml.cli.lazy_group import Door, LazyGroup

__all__ = ["app"]


class Commands(LazyGroup):
    """All of them; help lines are the first ones of what they point to."""

    doors: ClassVar = {
        "train": Door(
            "trmml.cli.train:train",
            "Train a model, select its best epoch, test it, and leave everything in a folder.",
        ),
        "report": Door(
            "trmml.cli.report:report",
            "Write the page of a finished run anew: curves, classes, reliability and labels.",
        ),
        "compare": Door(
            "trmml.cli.compare:compare",
            "Train each configuration with each seed on the same images and labels, and compare.",
        ),
        "eval": Door(
            "trmml.cli.eval:evaluate",
            "Measure mean average precision, precision, recall and F1; only known labels count.",
        ),
        "predict": Door(
            "trmml.cli.predict:predict",
            "Say which classes photographs show; exit with 1 if some could not be read.",
        ),
        "heatmap": Door(
            "trmml.cli.heatmap:heatmap",
            "Draw photographs tinted where the model sees a class, and a contact sheet of all of "
            "them.",
        ),
        "label": Door(
            "trmml.cli.label:label", "Write the unknown labels that the model would fill."
        ),
        "demo": Door(
            "trmml.cli.demo:demo",
            "Hide labels, then compare frozen towers alone, a DualCoOp-style baseline and TRM-ML.",
        ),
        "methods": Door(
            "trmml.cli.methods:methods",
            "List the methods: name, paper, what learns, how many parameters those are, regions or "
            "none.",
        ),
        "info": Door(
            "trmml.cli.info:info",
            "Show versions, devices and extras; or what a saved model or a label file is.",
        ),
        "export": Door(
            "trmml.cli.export:export",
            "Write a model's prediction as one graph: 8-bit pixels in, probabilities out.",
        ),
        "serve": Door(
            "trmml.cli.serve:serve",
            "Serve a page: drop a photograph, see its tags and, by a model with regions, where "
            "they are.",
        ),
        "data": Door(
            "trmml.cli.data:data",
            "Check datasets on disk, and write which labels stay known.",
        ),
    }


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Multi-label image recognition with missing labels.",
)


def _show_version(wanted: bool) -> bool:
    if wanted:
        print(f"trmml {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _keep_commands_named(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Multi-label image recognition with missing labels."""
