"""A whole run from its configuration: data, model, training, selection, report."""

import json
import os
from collections.abc import Callable
from typing import Any

import torch

from trmml.class_names import ClassNames
from trmml.data.label_overview import label_overview
from trmml.encoders.protocol import EncoderPair
from trmml.models import METHODS, Task, ZeroShotStack
from trmml.training.config.run_config import RunConfig
from trmml.training.loop.acceleration import build_accelerator
from trmml.training.loop.history import History
from trmml.training.loop.settings import training_settings
from trmml.training.loop.trainer import Trainer
from trmml.training.run.accepted_changes import take_up
from trmml.training.run.callbacks import RunCallbacks
from trmml.training.run.completion import completion_report
from trmml.training.run.data import RunData, open_run_data
from trmml.training.run.data_checks import (
    check_enough,
    check_present,
    note_copies,
    note_small_data,
)
from trmml.training.run.evaluation import RunEvaluator
from trmml.training.run.folder import RunFolder
from trmml.training.run.held_out_labels import check_selection, check_stack
from trmml.training.run.interruption import stop_requests
from trmml.training.run.sources import RunProgress, open_sources
from trmml.training.run.trackers import check_trackers, tracking

__all__ = ["run_training"]


def run_training(
    config: RunConfig,
    folder: str | os.PathLike[str],
    *,
    task: type[Task] | None = None,
    resume: bool = False,
    accept_changes: bool = False,
    progress: RunProgress | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Train, select and test a model as a configuration says, and leave everything in a folder.

    Under `torchrun` or `accelerate launch` every process calls this, and the first one writes.

    Args:
        config: A single run; see `RunConfig.runs`.
        folder: Where to leave what `RunFolder` lists.
        task: Of the method that `config.model` is of; None for one of this library's.
        resume: Go on with the run in the folder, if there is one. On a CPU its weights and
            metrics end as if it had never stopped, to the last bit.
        accept_changes: With `resume`, go on although the data, the cache or the selection are
            others than in the checkpoint, and record what changed in `changes.jsonl` and the
            report. The recipe, the method, the classes and the number of images never change.
        progress: Called with the name of the work under way, how much is done, and of how much.
        on_epoch: Called with the record of each epoch.

    Returns:
        The contents of `report.json`.

    Raises:
        FileExistsError: If the folder holds a run and `resume` is False, or one is under way there.
        ValueError: If data, labels, model and checkpoint do not fit together, or files are missing.
        ModuleNotFoundError: If a tracker is not installed.
        TrainingStopped: If SIGINT or SIGTERM asked to stop; the state is saved.
        FloatingPointError: If a loss or a weight is not finite; the last checkpoint is one before.
    """
    task = task or METHODS[config.model.method]
    check_trackers(config.trackers)
    accelerator = build_accelerator(config.recipe)
    run = RunFolder(folder, writes=accelerator.is_main_process)
    run.check(resume=resume)
    # What costs little is looked at first: settings and tables before towers, all before writing.
    data = open_run_data(
        config.data,
        mean=None,
        std=None,
        unknown_as_negative=config.model.counts_unknown_as_negative,
        uses_unknown=config.model.uses_unknown,
        captions_for=config.model.method if config.model.learns_from == "captions" else None,
    )
    config.model.check_classes(data.class_names)
    check_enough(data)
    selects = config.selection != "last"
    if config.selection == "validation":
        check_selection(data)
    if config.prediction == "stack":
        check_stack(data)
    check_present(data)
    if accelerator.is_main_process:
        note_copies(data)
        note_small_data(data, config.recipe.batch_size)
    accelerator.wait_for_everyone()  # nobody writes before everybody has looked
    with run.claimed(resume=resume):
        state = run.load_state(selects=selects) if resume else None
        encoders = config.encoder.load(image_size=config.data.image_size)
        data = data.prepared(config.data, mean=encoders.image.mean, std=encoders.image.std)
        learning = task.build(
            encoders,
            data.class_names,
            config=config.model,
            image_size=config.data.image_size,
            generator=torch.Generator().manual_seed(config.recipe.seed),
        ).to(accelerator.device)
        settings, changes = _settings(config, learning, data), {}
        if state is not None:
            state, changes = take_up(state, settings, accept=accept_changes)
        # Only now, when nothing is left to be refused anywhere, is anything written; and only now
        # are signals held back, for before this a process may wait for one that has died.
        accelerator.wait_for_everyone()
        run.begin(config, data.mask, processes=accelerator.num_processes)
        with stop_requests() as request, tracking(accelerator, config) as send:

            def after_record(record: dict[str, Any]) -> None:
                send(record)
                if on_epoch is not None:
                    on_epoch(record)

            sources = open_sources(
                data,
                encoders,
                cache=config.cache,
                seed=config.recipe.seed,
                image_size=config.data.image_size,
                workers=config.data.workers,
                request=request,
                progress=progress,
            )
            evaluator = RunEvaluator(
                sources,
                on_test=config.selection == "test",
                stack=_stack(config, encoders, data),
                batch_size=config.recipe.part_size,
                accelerator=accelerator,
            )
            trainer = Trainer(
                learning,
                sources.train,
                recipe=config.recipe,
                validate=evaluator.selection_scores if selects else None,
                judge_start=config.prediction == "stack",
                accelerator=accelerator,
                settings=settings,
            )
            if state is not None:
                trainer.load(state)
            callbacks = RunCallbacks(
                run,
                request,
                selects=selects,
                goes_on=state is not None,
                truth=data.truth,
                checkpoint_every=config.checkpoint_every,
                progress=progress,
                on_epoch=after_record,
            )
            if changes:
                run.note_changes(changes, position=trainer.position)
                callbacks.save(trainer)  # from now on these are the run's settings
            trainer.run(
                after_step=callbacks.after_step,
                after_epoch=callbacks.after_epoch,
                after_start=callbacks.after_start,
            )
            callbacks.finish(trainer)
        accelerator.wait_for_everyone()

        selected = run.best if selects else run.last
        model = task.Model.from_pretrained(selected, encoders=encoders).to(accelerator.device)
        report = _report(config, data, trainer.history) | evaluator.final_figures(model)
        report["changes"] = run.changes()
        labels = data.lessons.labels
        report["labels"] = label_overview(labels, ClassNames(data.class_names).titles)
        report["completed"] = completion_report(
            learning.completion(labels),
            trainer.history.records,
            labels,
            data.truth,
            selected=report["selected_epoch"],
        )
        run.finish(model, selected, report)
        return report


def _settings(config: RunConfig, task: Task, data: RunData) -> dict[str, Any]:
    """Return all that has to be the same for a run to go on, in this process or another."""
    settings = {
        **training_settings(task, config.recipe, data.lessons.labels),
        **data.settings(),
        "data": config.data.settings(),
        "cache": config.cache.settings(),
        # The score's is as it was before there were stacks.
        "selection": config.selection + ", by the stack" * (config.prediction == "stack"),
    }
    return json.loads(json.dumps(settings))  # as they come back from a checkpoint


def _stack(config: RunConfig, encoders: EncoderPair, data: RunData) -> ZeroShotStack | None:
    if config.prediction == "score":
        return None
    return ZeroShotStack.of_towers(encoders.text, data.class_names)


def _report(config: RunConfig, data: RunData, history: History) -> dict[str, Any]:
    """Return what the final figures stand on."""
    labels, last = data.lessons.labels, len(history.records) - 1
    return {
        "name": config.name,
        "selection": config.selection,
        "prediction": config.prediction,
        "selected_epoch": last if config.selection == "last" else history.best_epoch(),
        "epochs": len(history.records),
        "learns_from": config.model.learns_from,
        "num_train": len(data.lessons),
        "known_share": (labels != 0).double().mean().item(),
        "labels_sha256": (data.captions or data.mask).sha256,
    }
