"""`trmml info`: what is installed, and what is in a saved file."""

from pathlib import Path
from typing import Annotated

import typer

from trmml.cli.options import AsJson
from trmml.cli.outputs import print_json
from trmml.prediction import describe_file, describe_installation

__all__ = ["info"]


def info(
    path: Annotated[
        Path | None,
        typer.Argument(help="Folder of a saved model, or a label file.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show versions, devices and extras; or what a saved model or a label file is.

    Examples: `trmml info`, `trmml info my-model`, or `trmml info coco-0.1.mask --json`.
    """
    found = describe_installation() if path is None else describe_file(path)
    if as_json:
        print_json(found)
        return
    width = max(map(len, found))
    for name, value in found.items():
        print(f"{name:<{width}}  {_text(value)}")


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(inner)}" for key, inner in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bool):  # a number 0 is no "no"
        return "yes" if value else "no"
    return "-" if value is None else str(value)
