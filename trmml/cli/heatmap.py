"""`trmml heatmap`: where a model sees each class."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from trmml.cli.messages import note
from trmml.cli.opening import opened
from trmml.cli.options import (
    AsJson,
    Device,
    Dtype,
    Model,
    Overwrite,
    OwnTask,
    Photographs,
    PredictBy,
    Quiet,
    RunBy,
)
from trmml.cli.outputs import check_output_folder, print_json
from trmml.cli.progress import progress_bar
from trmml.cli.standard_streams import photograph_files
from trmml.prediction import DrawnImage, Panel, draw_heatmaps, draw_sheets

__all__ = ["heatmap"]


def heatmap(
    model: Model,
    images: Photographs,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.", show_default=False)],
    classes: Annotated[
        str | None,
        typer.Option(
            help="Which, separated by commas; a name with a comma in it goes in double quotes."
        ),
    ] = None,
    top_k: Annotated[
        int, typer.Option(min=1, help="Without --classes: the most probable of each image.")
    ] = 3,
    overwrite: Overwrite = False,
    device: Device = None,
    dtype: Dtype = "auto",
    runtime: RunBy = "eager",
    task: OwnTask = None,
    prediction: PredictBy = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw photographs tinted where the model sees a class, and a contact sheet of all of them.

    Prints the files written; exit with 1 if some photographs could not be read.

    Examples: `trmml heatmap my-model photos --out regions --classes dog,ball`, or
    `trmml heatmap my-model beach.jpg --out regions --top-k 5`.
    """
    paths = photograph_files(images, quiet=quiet)
    check_output_folder(out, inputs=[model, *paths], overwrite=overwrite)
    seer = opened(
        model,
        device=device,
        task=task,
        prediction=prediction,
        dtype=dtype,
        runtime=runtime,
        quiet=quiet,
    )
    names = None if classes is None else next(csv.reader([classes], skipinitialspace=True), [])
    drawing = draw_heatmaps(seer, paths, out, classes=names, top_k=top_k)  # checks; draws later
    out.mkdir(parents=True, exist_ok=True)
    drawn: list[DrawnImage] = []

    def drawn_panels(advance: Callable[[int], None]) -> Iterator[list[Panel]]:
        for one in drawing:
            if one.problem is not None:
                print(f"trmml: {one.path}: {one.problem}", file=sys.stderr)
            drawn.append(one._replace(panels=[]))  # pictures stay no longer than their sheet
            yield one.panels
            advance(1)

    with progress_bar("Drawing", len(paths), quiet=quiet) as advance:
        sheets = draw_sheets(drawn_panels(advance), out)
    if as_json:
        overlays = {str(one.path): [str(file) for file in one.files] for one in drawn if one.files}
        report = {"sheets": [str(sheet) for sheet in sheets], "overlays": overlays}
        print_json(report)
    else:
        for file in [*sheets, *(file for one in drawn for file in one.files)]:
            print(file)
    with suppress(OSError):
        out.rmdir()  # only if there is nothing in it
    unreadable = sum(one.problem is not None for one in drawn)
    note(f"{len(drawn) - unreadable} photographs drawn.", quiet=quiet)
    raise typer.Exit(1 if unreadable else 0)
