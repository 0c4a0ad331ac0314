"""The training loop: small, exact, the same on one process or many, and resumable anywhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from trmml.losses.label_loss import refuse_sampled_classes
from trmml.models import Batch, MultiLabelModel, Task, sample_classes
from trmml.training.config.recipe import Recipe
from trmml.training.loop.acceleration import build_accelerator, prepare_step
from trmml.training.loop.changes import check_settings
from trmml.training.loop.history import History
from trmml.training.loop.looking import dense_features, look_at_all
from trmml.training.loop.optimization import build_optimizer, build_scheduler
from trmml.training.loop.order import calibration_rows, epoch_steps, num_steps
from trmml.training.loop.sent_batch import sent_batch
from trmml.training.loop.settings import training_settings
from trmml.training.loop.state import (
    Learners,
    Position,
    RunState,
    collect_state,
    restore_state,
    saved_settings,
)
from trmml.training.loop.step_losses import Losses, StepLosses
from trmml.training.loop.weight_average import WeightAverage
from trmml.training.sources.source import TrainingSource

__all__ = ["Losses", "Trainer"]


class Trainer:
    """Train a task on a source, from the start or from a saved state, whatever the method.

    What the task asks to be trained before it has a trainer of its own, its `forerunner`, by the
    same recipe but for the number of epochs. Every process runs the same loop on its share of each
    step's images; losses, gradients and whatever a task keeps are those of the whole step. Nothing
    but task, optimiser and position changes from step to step, so `state` holds all there is.

    Args:
        task: What to train; its model learns in place.
        source: What to train on.
        recipe: How to train.
        validate: Scores the model after each epoch; what it returns goes into the history, and its
            "map" decides which epoch is best. None where nothing is selected.
        judge_start: Whether the model before the first step is a candidate too, as one that
            predicts by what the frozen towers say may be.
        accelerator: An `accelerate.Accelerator`; None builds one for the recipe.
        settings: What has to be the same for a saved state to go on, as JSON knows it; None is
            what `training_settings` gives.

    Attributes:
        forerunner: Trains what comes before the task; None if nothing does, or it is over.
        is_forerunner: Whether this one trains what comes before another's task.
        total_steps: From the first of a forerunner to the last.

    Raises:
        ValueError: If nothing is labelled, classes are to be sampled with a loss that has to see
            all of them, or precision and device do not go together.
    """

    def __init__(
        self,
        task: Task,
        source: TrainingSource,
        *,
        recipe: Recipe,
        validate: Callable[[MultiLabelModel], dict[str, Any]] | None = None,
        judge_start: bool = False,
        accelerator: Any = None,  # noqa: ANN401 - imported only when needed
        settings: dict[str, Any] | None = None,
    ) -> None:
        """Send the task to its device and build what trains it."""
        if not bool((source.labels != 0).any()):
            raise ValueError("`labels` must have a known label, got none; nothing can be learnt.")
        if recipe.class_sample is not None:
            refuse_sampled_classes(task)
        self.task, self.source, self.recipe, self.validate = task, source, recipe, validate
        self.judge_start = judge_start
        self.accelerator = accelerator or build_accelerator(recipe)
        self.steps_per_epoch = num_steps(len(source.labels), recipe.batch_size)
        task.begin_training(source.labels)
        if recipe.compile:
            task.compile()  # from batch to losses, and back
        self.step = prepare_step(self.accelerator, task)
        optimizer = build_optimizer(task, recipe)
        # The schedule comes first: in fp16 Accelerate keeps the `step` that it finds.
        self.scheduler = build_scheduler(
            optimizer, recipe, steps=recipe.epochs * self.steps_per_epoch
        )
        self.optimizer = self.accelerator.prepare_optimizer(optimizer)
        decay = recipe.ema_decay
        self.average = None if decay is None else WeightAverage(task.model, decay=decay)
        self.position = Position()
        self.history = History()
        self._settings = settings
        self.is_forerunner = False
        self.forerunner = self._build_forerunner()
        self._steps_before = self.forerunner.total_steps if self.forerunner else 0
        self.total_steps = self._steps_before + recipe.epochs * self.steps_per_epoch
        if self.forerunner:
            self.forerunner.total_steps = self.total_steps

    def run(
        self,
        *,
        after_step: Callable[["Trainer", Losses], None] | None = None,
        after_epoch: Callable[["Trainer"], None] | None = None,
        after_start: Callable[["Trainer"], None] | None = None,
    ) -> None:
        """Train to the end, or until an epoch was too long without a better score.

        A forerunner comes first, with the same callbacks; the trainer they are given says so.

        Args:
            after_step: Called after each optimiser step with the losses over the whole step. What
                it raises ends the run; `position` and `state` are then those of the next step.
            after_epoch: Called after each epoch, when its record is in `history`.
            after_start: Called before the first step, once the start is judged.

        Raises:
            FloatingPointError: If a loss is not finite, with the images of its step. The weights
                are those before the step.
        """
        if self.forerunner is not None:
            self.forerunner.run(after_step=after_step, after_epoch=after_epoch)
            found, self.forerunner = self.forerunner.survey(), None
            self.task.take_survey(found, self.source.labels)
        if self.position == Position():
            self._calibrate()
            if self.judge_start and self.validate is not None:
                with self.ready_model() as model:
                    self.history.start = self.validate(model)
                if after_start is not None:
                    after_start(self)
        patience = self.recipe.patience or self.recipe.epochs
        while (
            self.position.epoch < self.recipe.epochs
            and self.history.epochs_without_progress() < patience
        ):
            self._run_epoch(after_step)
            self._close_epoch()
            if after_epoch is not None:
                after_epoch(self)
        self.task.eval()

    @property
    def steps_done(self) -> int:
        """Steps from the start of training, a forerunner's too, to where it stands."""
        if self.forerunner is not None:
            return self.forerunner.steps_done
        return self._steps_before + self.position.epoch * self.steps_per_epoch + self.position.step

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What has to be the same for a saved state to go on; read once, for towers are large."""
        return self._settings or training_settings(self.task, self.recipe, self.source.labels)

    def check_finite(self) -> None:
        """Refuse to keep a state that could not go on.

        Raises:
            FloatingPointError: If a weight is not finite, as after a far too large step.
        """
        for name, value in self.task.named_parameters():
            if not bool(value.isfinite().all()):
                raise FloatingPointError(
                    f"The weights must be finite, got nan or infinity in {name!r} before step "
                    f"{self.position.step} of epoch {self.position.epoch}; nothing of them is "
                    "saved. Lower `max_lr` and start again."
                )

    def state(self, *, copied: bool = True) -> RunState:
        """Return all that training goes on from.

        Args:
            copied: Whether the tensors stay as they are when training goes on; what is written at
                once needs no copy.
        """
        if self.forerunner is not None:  # nothing else has begun
            return self.forerunner.state(copied=copied)
        return collect_state(
            self._learners,
            self.position,
            self.settings,
            forerunner=self.is_forerunner,
            copied=copied,
        )

    def load(self, state: RunState) -> None:
        """Go on from a saved state.

        Raises:
            ValueError: If it belongs to another method, recipe, class list, encoder or labels.
        """
        saved = saved_settings(state)
        if self.forerunner is not None and state.plain["forerunner"]:
            self.forerunner.load(state)
            return
        check_settings(saved, self.settings)
        self.position = restore_state(self._learners, state)
        self.forerunner = None  # what it found is in the task

    def _build_forerunner(self) -> "Trainer | None":
        first = self.task.forerunner(epochs=self.recipe.epochs)
        if first is None:
            return None
        # It is wanted for what it finds: no epoch of it is selected, and nothing of it is kept.
        recipe = replace(self.recipe, epochs=first.epochs, ema_decay=None, patience=None)
        trainer = Trainer(
            first.task,
            self.source,
            recipe=recipe,
            accelerator=self.accelerator,
            settings=self._settings,
        )
        trainer.is_forerunner = True
        return trainer

    @property
    def _learners(self) -> Learners:
        scaler = self.accelerator.scaler
        pieces = (self.task, self.optimizer, self.scheduler)
        return Learners(*pieces, scaler, self.average, self.history)

    def share_of(self, rows: Int[Tensor, " rows"]) -> Int[Tensor, " share"]:
        """Return the rows that this process takes care of."""
        shares = rows.tensor_split(self.accelerator.num_processes)
        return shares[self.accelerator.process_index].clone()  # no view: graphs tell them apart

    def _run_epoch(self, after_step: Callable[["Trainer", Losses], None] | None) -> None:
        epoch, first = self.position
        self.task.begin_epoch(epoch, epochs=self.recipe.epochs)
        if self.task.surveys(epoch, epochs=self.recipe.epochs):
            self.task.take_survey(self.survey(), self.source.labels)
        self.task.train()
        steps = epoch_steps(
            len(self.source.labels), self.recipe.batch_size, seed=self.recipe.seed, epoch=epoch
        )[first:]
        # Parts first, shares of the parts second: every process then works on the same part.
        parts = [rows.tensor_split(self.recipe.gradient_accumulation_steps) for rows in steps]
        shares = [self.share_of(part) for step_parts in parts for part in step_parts]
        batches = self.source.batches(shares, epoch=epoch)
        for rows, step_parts in zip(steps, parts, strict=True):
            losses = self._take_step(rows, step_parts, batches)
            self.position = Position(epoch, self.position.step + 1)
            self.history.add_step(losses)
            if after_step is not None:
                after_step(self, losses)

    def _take_step(
        self,
        rows: Int[Tensor, " rows"],
        parts: Sequence[Int[Tensor, " _"]],
        batches: Iterator[Batch],
    ) -> Losses:
        classes = self._classes(rows)
        found = StepLosses()
        weights = [len(part) / len(rows) for part in parts]
        for part, weight in zip(parts, weights, strict=True):
            batch = next(batches)._replace(classes=classes)
            is_last = part is parts[-1]
            with self.accelerator.no_sync(self.step) if not is_last else nullcontext():
                losses = self.step(sent_batch(batch, self.task, self.accelerator, self.recipe))
                found.add(losses)
                if is_last:
                    found.send()
                self.accelerator.backward(losses["total"] * weight)
        totals: Losses = {}
        for part, weight, losses in zip(parts, weights, found.receive(), strict=True):
            self._require_finite(losses["total"], part)
            for name, value in losses.items():
                totals[name] = totals.get(name, 0.0) + weight * value
        self.accelerator.unscale_gradients(self.optimizer)
        for parameters in self.task.clipped_together():
            clip_grad_norm_(parameters, self.recipe.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        skipped = self.optimizer.step_was_skipped  # in fp16, where the scale was too high
        self.task.end_step(taken=not skipped)
        if not skipped:
            self.scheduler.step()
            if self.average is not None:
                self.average.update(self.task.model)
        return totals

    def _require_finite(self, total: Float[Tensor, ""], part: Int[Tensor, " rows"]) -> None:
        if not bool(total.isfinite()):
            self.optimizer.zero_grad()
            self.task.end_step(taken=False)
            raise FloatingPointError(
                f"The loss must be finite, got {total.item()} in step {self.position.step} of "
                f"epoch {self.position.epoch}; lower `max_lr` or look at these images: "
                f"{self.source.describe(part)}"
            )

    def _classes(self, rows: Int[Tensor, " rows"]) -> Int[Tensor, " sampled"] | None:
        """Draw the categories of a step, the same in every process and after a resumption."""
        if self.recipe.class_sample is None:
            return None
        step = self.position.epoch * self.steps_per_epoch + self.position.step
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + step)
        labels = self.source.labels[rows]
        return sample_classes(labels, self.recipe.class_sample, generator=generator)

    def survey(self) -> Float[Tensor, "images kinds classes"]:
        """Show the task all training images, and return what it saw in them, on the CPU."""
        rows = torch.arange(len(self.source.labels))
        images = self._images(rows, epoch=self.position.epoch)
        return look_at_all(self.task, images, self.accelerator)

    @torch.no_grad()
    def _calibrate(self) -> None:
        """Show the task some images, if it wants to see any."""
        wanted, total = self.task.calibration_images, len(self.source.labels)
        if wanted:
            rows = calibration_rows(total, seed=self.recipe.seed, num_wanted=wanted)
            images = self._images(rows, epoch=0)
            self.task.calibrate(dense_features(self.task, images, self.accelerator))

    def _images(self, rows: Int[Tensor, " rows"], *, epoch: int) -> Iterator[Batch]:
        """Read this process's share of some images, in parts that fit into memory."""
        return self.source.batches(self.share_of(rows).split(self.recipe.part_size), epoch=epoch)

    def _close_epoch(self) -> None:
        measured: dict[str, Any] = {"lr": self.scheduler.get_last_lr()[0], **self.task.facts()}
        if self.validate is not None:
            with self.ready_model() as model:
                measured["validation"] = self.validate(model)
        self.history.close_epoch(**measured)
        self.position = Position(self.position.epoch + 1, 0)

    @contextmanager
    def ready_model(self) -> Iterator[MultiLabelModel]:
        """Give the model as it is evaluated and saved: in eval mode, with averaged weights."""
        model = self.task.model
        average = nullcontext()
        if self.average is not None and self.average.updates:
            average = self.average.applied_to(model)
        with average:
            yield model.eval()
