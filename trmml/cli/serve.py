"""`trmml serve`: a page to look at, for a saved model."""

from pathlib import Path
from typing import Annotated

import typer

from trmml.cli.messages import note
from trmml.cli.opening import opened
from trmml.cli.options import Device, Dtype, Model, OwnTask, PredictBy, RunBy

__all__ = ["serve"]

MAX_EXAMPLES = 12


def serve(
    model: Model,
    host: Annotated[
        str, typer.Option(help="Address to listen on; the default is this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 7860,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            help="Further name by which the page is asked for, as of a proxy in front; repeatable.",
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help=f"Folder of photographs to click on, {MAX_EXAMPLES} at most."
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = False,
    device: Device = None,
    dtype: Dtype = "auto",
    runtime: RunBy = "eager",
    task: OwnTask = None,
    prediction: PredictBy = None,
) -> None:
    """Serve a page: drop a photograph, see its tags and, by a model with regions, where they are.

    Ctrl-C ends it, and so does a signal to terminate; uploads are deleted. Examples:
    `trmml serve trmml-demo/model --open`, `trmml serve my-model --port 0`, or
    `trmml serve my-run/best --examples photos`.
    """
    import gradio  # noqa: F401 - if it is missing, say so before the model is loaded

    from trmml.page import run_trained_on
    from trmml.page import serve as serve_page
    from trmml.prediction import find_images

    pictures = [] if examples is None else find_images([examples])
    if len(pictures) > MAX_EXAMPLES:
        shown = f"the first {MAX_EXAMPLES} can be clicked on"
        note(f"{examples} holds {len(pictures):,} images; {shown}.", quiet=False)
    loaded = opened(
        model,
        device=device,
        task=task,
        prediction=prediction,
        dtype=dtype,
        runtime=runtime,
        quiet=False,
    )
    serve_page(
        loaded,
        host=host,
        port=port,
        names=names or (),
        open_browser=open_browser,
        examples=pictures[:MAX_EXAMPLES],
        trained_on=run_trained_on(model),
    )
