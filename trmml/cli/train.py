"""`trmml train`: a run from a configuration, or the runs behind a mean."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from trmml.cli.encoder_option import Encoder
from trmml.cli.messages import note
from trmml.cli.options import AsJson, Images, OwnTask, Quiet, ReadAs
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
from trmml.json_text import json_text
from trmml.markdown_table import percent
from trmml.models import Task
from trmml.training import (
    RunConfig,
    TrainingStopped,
    dump_run_config,
    list_run_configs,
    load_run_config,
    run_sweep,
)
from trmml.training.loop.acceleration import end_processes
from trmml.training.run.folder import SETTINGS
from trmml.training.run.report_page import PAGE

__all__ = ["train"]


def train(
    config: Annotated[
        str | None,
        typer.Argument(help="Name of a configuration, see --list, or a YAML file."),
    ] = None,
    data: Data = None,
    images: Images = None,
    captions: Annotated[
        Path | None,
        typer.Option(help="Captions to learn from in the place of images, for tai-dpt."),
    ] = None,
    read: ReadAs = None,
    keep: Keep = None,
    encoder: Encoder = None,
    epochs: Epochs = None,
    batch_size: TrainBatchSize = None,
    lr: LearningRate = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; runs/NAME if not given.")
    ] = None,
    task: OwnTask = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, if there is one.")
    ] = False,
    resume_with_changes: Annotated[
        bool,
        typer.Option(
            "--resume-with-changes",
            help="As --resume, although data, cache or selection differ; recorded in the folder.",
        ),
    ] = False,
    cache_features: CacheFeatures = False,
    cache_dir: CacheDir = Path("feature-cache"),
    views: Views = None,
    settings: Settings = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the resolved configuration and end.")
    ] = False,
    names: Annotated[
        bool, typer.Option("--list", help="Print the names of the configurations and end.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a model, select its best epoch, test it, and leave everything in a folder.

    Ctrl-C stops after the step under way with the state saved; --resume goes on from there, and
    after any other end, as if nothing had happened.

    Examples: `trmml train voc2007 --keep 0.1 --data VOCdevkit/VOC2007`,
    `trmml train table1/coco2014-0.1 --data COCO --cache-features`,
    `trmml train my.yaml --data labels.csv --encoder RN50 --epochs 10 --lr 1e-3`,
    `trmml train --out runs/voc2007 --resume`, or on four GPUs
    `torchrun --nproc-per-node 4 -m trmml train voc2007 --data VOCdevkit/VOC2007`.
    """
    if names:
        for name, meaning in list_run_configs().items():
            print(f"{name:<32} {meaning}")
        return
    resume = resume or resume_with_changes
    given = given_settings(
        settings,
        data=data,
        images=images,
        captions=captions,
        read=read,
        keep=keep,
        cache=cache_dir if cache_features else None,
        views=views,
        encoder=encoder,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=lr,
    )
    own = own_task(task)
    chosen = _choose(config, out, given, own, resume=resume)
    if show:
        print(dump_run_config(chosen), end="")
        return
    folder = out or Path("runs") / chosen.name
    speaks = os.environ.get("RANK", "0") == "0"  # of several processes, the first one
    try:
        with progress_bars(quiet=quiet or not speaks) as progress:
            report = run_sweep(
                chosen,
                folder,
                task=own,
                resume=resume,
                accept_changes=resume_with_changes,
                progress=progress,
                on_epoch=lambda record: note(epoch_line(record), quiet=quiet or not speaks),
            )
    except TrainingStopped as stopped:
        note(
            f"Stopped, with the state saved. Go on: trmml train --out {folder} --resume",
            quiet=quiet or not speaks,
        )
        raise typer.Exit(128 + stopped.signal) from None
    end_processes()
    if speaks:
        print(json_text(report, indent=1) if as_json else _summary(report, folder))


def _choose(
    config: str | None,
    out: Path | None,
    settings: list[str],
    task: type[Task] | None,
    *,
    resume: bool,
) -> RunConfig:
    """Load the named configuration, or that of the folder to go on with."""
    if config is None and resume and out is not None and (out / SETTINGS).exists():
        config = str(out / SETTINGS)
    if config is None:
        raise typer.BadParameter(
            "CONFIG must name a configuration (--list shows them) or a YAML file; only --resume "
            "with --out of a run goes without."
        )
    return load_run_config(config, settings, task=task)


def _summary(report: dict[str, Any], folder: Path) -> str:
    if "runs" in report:
        lines = [f"{name}: mAP {percent(figure)}" for name, figure in report["runs"].items()]
        return "\n".join([*lines, f"mean: mAP {percent(report['mean_average_precision'])}"])
    lines = [
        f"{split}: mAP {percent(report[split]['mean_average_precision'])} on "
        f"{report[split]['num_images']:,} images"
        for split in ("validation", "test")
        if report[split] is not None
    ]
    return "\n".join([*lines, f"Everything is in {folder}; start with {folder / PAGE}"])
