"""A whole run from its configuration: data, model, training, selection, report."""

import os
from collections.abc import Callable
from typing import Any

import torch

from trmml.encoders.protocol import EncoderPair
from trmml.models import TRMML
from trmml.modules import ClassNames
from trmml.training.config.run_config import RunConfig
from trmml.training.loop.acceleration import build_accelerator
from trmml.training.loop.trainer import Trainer
from trmml.training.run.callbacks import RunCallbacks
from trmml.training.run.data import RunData, open_run_data
from trmml.training.run.evaluation import RunEvaluator
from trmml.training.run.folder import RunFolder
from trmml.training.run.interruption import stop_requests
from trmml.training.run.sources import Progress, open_sources

__all__ = ["build_model", "run_training"]


def run_training(
    config: RunConfig,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    progress: Progress | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Train, select and test a model as a configuration says, and leave everything in a folder.

    Under `torchrun` or `accelerate launch` every process calls this, and the first one writes.

    Args:
        config: A single run; see `RunConfig.runs`.
        folder: Where to leave what `RunFolder` lists.
        resume: Go on with the run in the folder, if there is one. On a CPU its weights and
            metrics end as if it had never stopped, to the last bit.
        progress: Called with the name of the work under way, how much is done, and of how much.
        on_epoch: Called with the record of each epoch.

    Returns:
        The contents of `report.json`.

    Raises:
        FileExistsError: If the folder holds a run and `resume` is False.
        ValueError: If data, labels, model and checkpoint do not fit together.
        TrainingStopped: If SIGINT or SIGTERM asked to stop; the state is saved.
        FloatingPointError: If a loss is not finite; the last checkpoint is that before it.
    """
    accelerator = build_accelerator(config.recipe)
    run = RunFolder(folder, writes=accelerator.is_main_process)
    run.check(resume=resume)
    accelerator.wait_for_everyone()  # nobody writes before everybody has looked
    with stop_requests() as request:
        encoders = config.encoder.load(image_size=config.data.image_size)
        data = open_run_data(config, mean=encoders.image.mean, std=encoders.image.std)
        model = build_model(config, encoders, data.class_names).to(accelerator.device)
        run.begin(config, data.mask, processes=accelerator.num_processes)
        sources = open_sources(config, data, encoders, request=request, progress=progress)
        evaluator = RunEvaluator(config, sources, accelerator)
        trainer = Trainer(
            model,
            sources.train,
            recipe=config.recipe,
            validate=None if config.selection == "last" else evaluator.selection_scores,
            accelerator=accelerator,
        )
        state = run.checkpoints.load() if resume else None
        if state is not None:
            trainer.load(state)
        watch = RunCallbacks(run, config, request, progress=progress, on_epoch=on_epoch)
        trainer.run(after_step=watch.after_step, after_epoch=watch.after_epoch)
        watch.finish(trainer)
    accelerator.wait_for_everyone()

    selected = run.last if config.selection == "last" else run.best
    model = TRMML.from_pretrained(selected, encoders=encoders).to(accelerator.device)
    report = _report(config, data, trainer) | evaluator.final_figures(model)
    run.finish(model, selected, report)
    return report


def build_model(config: RunConfig, encoders: EncoderPair, class_names: ClassNames) -> TRMML:
    """Return a run's model before its first step.

    Raises:
        ValueError: If its region decoder is to come from a model of other classes or towers.
    """
    model = TRMML(
        encoders,
        class_names,
        config=config.model,
        image_size=config.data.image_size,
        generator=torch.Generator().manual_seed(config.recipe.seed),
    )
    if config.region_decoder is not None:
        model.load_region_decoder(config.region_decoder)
    return model


def _report(config: RunConfig, data: RunData, trainer: Trainer) -> dict[str, Any]:
    """Return what the final figures stand on."""
    labels, history = data.train.labels, trainer.history
    last = len(history.records) - 1
    return {
        "name": config.name,
        "selection": config.selection,
        "selected_epoch": last if config.selection == "last" else history.best_epoch(),
        "epochs": len(history.records),
        "num_train": len(data.train),
        "known_share": (labels != 0).double().mean().item(),
        "labels_sha256": data.mask.sha256,
    }
