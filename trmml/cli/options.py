"""What several commands take, under one name and with one meaning."""

from pathlib import Path
from typing import Annotated

import typer

from trmml.encoders import ComputeDtype, Runtime
from trmml.models import PredictsBy

__all__ = [
    "AsJson",
    "BatchSize",
    "Device",
    "Dtype",
    "Images",
    "Labelled",
    "Model",
    "Overwrite",
    "OwnTask",
    "Photographs",
    "PredictBy",
    "Quiet",
    "ReadAs",
    "RunBy",
    "Split",
    "Workers",
]

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress bars and no notes; errors still show.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Model = Annotated[
    Path,
    typer.Argument(
        help="Folder of a saved model, or user/name on the Hugging Face Hub.", show_default=False
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(help="Folder of the images, where it is not beside the table."),
]
ReadAs = Annotated[
    list[str] | None,
    typer.Option(
        "--read",
        metavar="NAME=VALUE",
        help="What the labels' file leaves open: zero, minus_one, blank, unlisted or without_file "
        "is negative or unknown, ignore names columns that are no classes, separator is comma or "
        "space, encoding is such as cp1252; repeatable.",
    ),
]
Split = Annotated[
    str | None,
    typer.Option(help="Which split, for example coco2014/val/all; a wrong one lists all."),
]
Labelled = Annotated[
    Path,
    typer.Argument(
        help="Folder of a benchmark or an export, or one's own CSV or JSON table.",
        show_default=False,
    ),
]
Photographs = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGES...",
        help="Files, folders, or - for a list of file names on standard input.",
        show_default=False,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(help="Such as cpu, cuda:1 or mps. Without it, a GPU if there is one."),
]
Dtype = Annotated[
    ComputeDtype,
    typer.Option(
        help="What the image tower computes in: auto is bfloat16 on a GPU or a processor that is "
        "fast in it, and float32 elsewhere.",
    ),
]
RunBy = Annotated[
    Runtime,
    typer.Option(
        "--runtime",
        help="What computes the image tower: torch, or ONNX Runtime, which some processors are "
        "faster with, once its graph is written.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a result that is there already.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Images at once.")]
Workers = Annotated[
    int, typer.Option(min=0, help="Processes that read images; 0 reads in the main one.")
]
PredictBy = Annotated[
    PredictsBy | None,
    typer.Option(
        "--prediction",
        help="By the model's own score, or by its stack with what the frozen towers say; without "
        "it, by the stack where the model has one.",
        show_default=False,
    ),
]
OwnTask = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="FILE.py:CLASS",
        help="A method of your own; the file is run. Without it, one of this library's.",
        show_default=False,
    ),
]
