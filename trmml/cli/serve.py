"""`trmml serve`: a page to look at, for a saved model."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["serve"]


def serve(
    model: Annotated[Path, typer.Argument(help="Folder of a saved model.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; the default is this machine alone.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 7860,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = False,
) -> None:
    """Serve a page: drop a photograph, see its tags and where each one is.

    Ctrl-C ends it. Examples: `trmml serve trmml-demo/model --open`, or
    `trmml serve my-model --port 0`.
    """
    import gradio  # noqa: F401 - if it is missing, say so before the model is loaded

    from trmml.models import TRMML
    from trmml.page import serve as serve_page

    serve_page(TRMML.from_pretrained(model), host=host, port=port, open_browser=open_browser)
