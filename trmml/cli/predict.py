"""`trmml predict`: tags for photographs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from trmml.cli.opening import opened
from trmml.cli.options import (
    BatchSize,
    Device,
    Dtype,
    Model,
    Overwrite,
    OwnTask,
    Photographs,
    PredictBy,
    Quiet,
    RunBy,
    Workers,
)
from trmml.cli.outputs import check_output, speak_utf8
from trmml.cli.progress import progress_bar
from trmml.cli.standard_streams import named_pictures, output_file
from trmml.prediction import Format, prediction_writer, tag_images

__all__ = ["predict"]


def predict(
    model: Model,
    images: Photographs,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="At most so many classes an image.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Lowest probability of a class. Without it and without --top-k, the model's "
            "calibrated thresholds, or 0.5.",
        ),
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", help="How to write the predictions.")
    ] = "table",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format jsonl.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="File to write, instead of standard output.")
    ] = None,
    overwrite: Overwrite = False,
    allow_urls: Annotated[
        bool,
        typer.Option(
            "--allow-urls", help="Fetch pictures whose names begin with http:// or https://."
        ),
    ] = False,
    batch_size: BatchSize = 32,
    workers: Workers = 0,
    device: Device = None,
    dtype: Dtype = "auto",
    runtime: RunBy = "eager",
    task: OwnTask = None,
    prediction: PredictBy = None,
    quiet: Quiet = False,
) -> None:
    """Say which classes photographs show; exit with 1 if some could not be read.

    Examples: `trmml predict my-model photos --out tags.csv --format csv`,
    `trmml predict my-model beach.jpg --top-k 3`, or
    `find photos -name "*.jpg" | trmml predict my-model - --json`.
    """
    paths = named_pictures(images, quiet=quiet, allow_urls=allow_urls)
    if out is not None:
        check_output(out, inputs=[model, *paths], overwrite=overwrite)
    form = "jsonl" if as_json else output_format
    if form != "table":
        speak_utf8()
    predictions = tag_images(
        opened(
            model,
            device=device,
            task=task,
            prediction=prediction,
            dtype=dtype,
            runtime=runtime,
            quiet=quiet,
        ),
        paths,
        top_k=top_k,
        threshold=threshold,
        batch_size=batch_size,
        num_workers=workers,
        allow_urls=allow_urls,
    )
    unreadable = 0
    with output_file(out) as file:
        quiet = quiet or file.isatty()  # the predictions show on their own how far it is
        write = prediction_writer(form, file)
        with progress_bar("Predicting", len(paths), quiet=quiet) as advance:
            for found in predictions:
                if found.problem is None:
                    write(found)
                else:
                    unreadable += 1
                    print(f"trmml: {found.path}: {found.problem}", file=sys.stderr)
                advance(1)
    raise typer.Exit(1 if unreadable else 0)
