"""`trmml data suspects`: known labels that are most likely wrong, for a person to look at."""

from pathlib import Path
from typing import Annotated

import typer

from trmml.cli.columns import in_columns
from trmml.cli.messages import note, report_unreadable
from trmml.cli.options import (
    AsJson,
    BatchSize,
    Device,
    Images,
    Labelled,
    Quiet,
    ReadAs,
    Split,
    Workers,
)
from trmml.cli.outputs import check_new_file, print_json
from trmml.cli.progress import progress_bar
from trmml.data import ImageTable, ReadingOptions, open_split
from trmml.models import METHODS, MultiLabelModel
from trmml.prediction import (
    Suspect,
    choose_device,
    find_suspects,
    open_model,
    write_review,
)
from trmml.training import load_run_config

__all__ = ["suspects"]


def suspects(
    data: Labelled,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a saved model, or user/name on the Hub, of which the towers are used; "
            "its classes may be others."
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="Instead of --model, a configuration that names the towers, see `trmml train "
            "--list`; without both, that of the paper."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write a review file with the corrections, a CSV table.")
    ] = None,
    split: Split = None,
    images: Images = None,
    read: ReadAs = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many labels.")] = 100,
    folds: Annotated[
        int, typer.Option(min=2, help="Parts of the images, each judged by all the others.")
    ] = 5,
    batch_size: BatchSize = 32,
    workers: Workers = 0,
    device: Device = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Print the known labels that are most likely wrong, the most suspect first.

    Each is judged by what the labels of other images teach; nothing is changed. Put yes beside what
    is a mistake in the column accept of the review file, then `trmml data merge --correct` turns
    it round. Exit with 1 if some photographs could not be read.

    Examples: `trmml data suspects labels.csv --images photos --model my-model --out suspects.csv`,
    or `trmml data suspects COCO --split coco2014/train/all --config coco2014 --top-k 500`.
    """
    if model is not None and config is not None:
        raise typer.BadParameter("--model and --config both name towers; give one of them.")
    if out is not None:
        check_new_file(out)
    _, table = open_split(data, split, images=images, reading=ReadingOptions.parse(read))
    table = table.replace(broken="skip")
    judge = _towers(model, config, table, device=device)
    with progress_bar("Looking", len(table), quiet=quiet) as advance:
        found = find_suspects(
            judge,
            table,
            folds=folds,
            top_k=top_k,
            batch_size=batch_size,
            num_workers=workers,
            progress=advance,
        )
    unreadable = table.broken_files()
    report_unreadable(unreadable, of=len(table))
    if out is not None:
        write_review(found.found, out)
    if as_json:
        print_json([_as_dict(one) for one in found.found])
    else:
        print(_listed(found.found))
    note(f"{found.judged:,} known labels looked at", quiet=quiet)
    if found.left_out:
        note(
            "left out, for only one kind of label is known: " + ", ".join(found.left_out),
            quiet=quiet,
        )
    if out is not None:
        note(
            "Put yes in the column accept where the label is wrong, then: "
            f"trmml data merge {data} {out} --correct --out NEW.csv",
            quiet=quiet,
        )
    raise typer.Exit(1 if unreadable else 0)


def _towers(
    model: Path | None, config: str | None, table: ImageTable, *, device: str | None
) -> MultiLabelModel:
    """Open the model, or put the least possible one on the towers of a configuration."""
    if model is not None:
        return open_model(model, device=device)
    place, chosen = choose_device(device), load_run_config(config or "paper")
    size = chosen.data.image_size
    pair = chosen.encoder.load(image_size=size)
    least = METHODS["linear-probe"].Model  # its weights are not looked at
    return least(pair, table.class_names, config=least.Config(), image_size=size).to(place)


def _as_dict(one: Suspect) -> dict[str, object]:
    return {
        "image": one.image,
        "class": one.class_name,
        "given": one.given,
        "probability": one.probability,
    }


def _listed(found: list[Suspect]) -> str:
    """Return a line for each suspect, in columns."""
    head = ("image", "class", "label", "probability that it is there")
    rows = [
        (one.image, one.class_name, f"{one.given:+d}", f"{one.probability:.4f}") for one in found
    ]
    return in_columns(head, rows)
