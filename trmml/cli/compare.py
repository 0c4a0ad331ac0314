"""`trmml compare`: configurations side by side, over several seeds."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from trmml.cli.columns import in_columns
from trmml.cli.encoder_option import Encoder
from trmml.cli.messages import note
from trmml.cli.options import AsJson, Images, OwnTask, Quiet, ReadAs
from trmml.cli.outputs import print_json
from trmml.cli.own_task import own_task
from trmml.cli.runs import (
    CacheDir,
    CacheFeatures,
    Data,
    Epochs,
    Keep,
    LearningRate,
    Settings,
    TrainBatchSize,
    Views,
    epoch_line,
    given_settings,
    progress_bars,
)
from trmml.models import Task
from trmml.training import Contestant, TrainingStopped, load_run_config, run_comparison
from trmml.training.config.files import named_method
from trmml.training.loop.acceleration import end_processes
from trmml.training.run.comparison_cells import Cell
from trmml.training.run.comparison_report import HEAD, comparison_rows

__all__ = ["compare"]


def compare(
    config: Annotated[
        list[str],
        typer.Argument(
            metavar="CONFIG...",
            help="Names of configurations, see `trmml train --list`, or YAML files; the others are "
            "measured against the first.",
            show_default=False,
        ),
    ],
    base: Annotated[
        str | None,
        typer.Option(help="A configuration under each of them, such as that of the dataset."),
    ] = None,
    data: Data = None,
    images: Images = None,
    read: ReadAs = None,
    keep: Keep = None,
    encoder: Encoder = None,
    epochs: Epochs = None,
    batch_size: TrainBatchSize = None,
    lr: LearningRate = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Runs of each, each with other hidden labels.")
    ] = 3,
    out: Annotated[Path, typer.Option(help="Folder of the comparison.")] = Path("runs/comparison"),
    task: OwnTask = None,
    cache_features: CacheFeatures = False,
    cache_dir: CacheDir = Path("feature-cache"),
    views: Views = None,
    settings: Settings = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train each configuration with each seed on the same images and labels, and compare.

    The same command goes on after any stop, and takes over what is finished where configurations
    or seeds are added. `--task` is the method of the files that name it.

    Examples: `trmml compare voc2007 dualcoop coop --base voc2007 --data VOCdevkit/VOC2007 --keep
    0.1`, or `trmml compare tiny mine.yaml --data labels.csv --epochs 10 --seeds 5 --out
    runs/mine`.
    """
    given = given_settings(
        settings,
        data=data,
        images=images,
        read=read,
        keep=keep,
        cache=cache_dir if cache_features else None,
        views=views,
        encoder=encoder,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=lr,
    )
    contestants = _contestants(config, given, base, own_task(task))
    quiet = quiet or os.environ.get("RANK", "0") != "0"  # of several processes, the first speaks

    def tell(cell: Cell) -> None:
        note(f"{cell.config.name}, seed {cell.seed}, in {cell.place}", quiet=quiet)

    def tell_epoch(record: dict[str, Any]) -> None:
        note(epoch_line(record), quiet=quiet)

    try:
        with progress_bars(quiet=quiet) as progress:
            found = run_comparison(
                contestants,
                out,
                seeds=seeds,
                progress=progress,
                on_run=tell,
                on_epoch=tell_epoch,
            )
    except TrainingStopped as stopped:
        note("Stopped, with the state saved. The same command goes on.", quiet=quiet)
        raise typer.Exit(128 + stopped.signal) from None
    end_processes()
    if os.environ.get("RANK", "0") != "0":
        return
    if as_json:
        print_json(found)
        return
    print(in_columns(HEAD, comparison_rows(found)))
    print(f"Everything is in {out}; start with {out / 'comparison.md'}")


def _contestants(
    names: list[str], settings: list[str], base: str | None, own: type[Task] | None
) -> list[Contestant]:
    found = []
    for name in names:
        method = None if own is None else own.Model.Config.method
        task = own if method == named_method(name, settings, base=base) else None
        found.append(Contestant(load_run_config(name, settings, task=task, base=base), task))
    if own is not None and not any(task for _, task in found):
        raise ValueError(
            f"`--task` is the method {own.Model.Config.method!r}, but no configuration names it; "
            f"write `model: {{method: {own.Model.Config.method}}}` in the file of one."
        )
    return found
