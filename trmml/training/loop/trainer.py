"""The training loop: small, exact, the same on one process or many, and resumable anywhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from trmml.distributed import gather_rows
from trmml.models import TRMML, TRMMLLosses, sample_classes
from trmml.training.config.recipe import Recipe
from trmml.training.loop.acceleration import build_accelerator, prepare_step
from trmml.training.loop.history import History
from trmml.training.loop.optimization import build_optimizer, build_scheduler
from trmml.training.loop.order import calibration_rows, epoch_steps, num_steps
from trmml.training.loop.state import collect_state, restore_state, run_settings
from trmml.training.loop.weight_average import WeightAverage
from trmml.training.run.checkpoints import RunState
from trmml.training.sources.source import Batch, Source
from trmml.training.training_step import TrainingStep

__all__ = ["Position", "Trainer"]


class Position(NamedTuple):
    """Where training stands: the next step to take.

    Attributes:
        epoch: From 0; the recipe's number of epochs when training is over.
        step: Within the epoch, from 0.
    """

    epoch: int = 0
    step: int = 0


class Trainer:
    """Train a model on a source, in two stages, from the start or from a saved state.

    Every process runs the same loop on its share of each step's images; losses, bank, thresholds
    and gradients are those of the whole step. Nothing but the model, the optimiser and the position
    changes from step to step, so `state` holds all there is.

    Args:
        model: To train, in place.
        source: What to train on.
        recipe: How to train.
        validate: Scores the model after each epoch; what it returns goes into the history, and its
            "map" decides which epoch is best. None where nothing is selected.
        accelerator: An `accelerate.Accelerator`; None builds one for the recipe.

    Raises:
        ValueError: If nothing is labelled, or precision and device do not go together.
    """

    def __init__(
        self,
        model: TRMML,
        source: Source,
        *,
        recipe: Recipe,
        validate: Callable[[TRMML], dict[str, Any]] | None = None,
        accelerator: Any = None,  # noqa: ANN401 - imported only when needed
    ) -> None:
        """Send the model to its device and build what trains it."""
        if not bool((source.labels != 0).any()):
            raise ValueError("`labels` must have a known label, got none; nothing can be learnt.")
        self.model, self.source, self.recipe, self.validate = model, source, recipe, validate
        self.accelerator = accelerator or build_accelerator(recipe)
        self.steps_per_epoch = num_steps(len(source.labels), recipe.batch_size)
        self.step = prepare_step(self.accelerator, TrainingStep(model, compile=recipe.compile))
        optimizer = build_optimizer(model, recipe)
        # The schedule comes first: in fp16 Accelerate keeps the `step` that it finds.
        self.scheduler = build_scheduler(
            optimizer, recipe, steps=recipe.epochs * self.steps_per_epoch
        )
        self.optimizer = self.accelerator.prepare_optimizer(optimizer)
        decay = recipe.ema_decay
        self.average = None if decay is None else WeightAverage(model, decay=decay)
        self.position = Position()
        self.history = History()

    def run(
        self,
        *,
        after_step: Callable[["Trainer", TRMMLLosses], None] | None = None,
        after_epoch: Callable[["Trainer"], None] | None = None,
    ) -> None:
        """Train to the end, or until an epoch was too long without a better score.

        Args:
            after_step: Called after each optimiser step with the losses over the whole step. What
                it raises ends the run; `position` and `state` are then those of the next step.
            after_epoch: Called after each epoch, when its record is in `history`.

        Raises:
            FloatingPointError: If a loss is not finite, with the images of its step. The weights
                are those before the step.
        """
        if self.position == Position():
            self._calibrate()
        patience = self.recipe.patience or self.recipe.epochs
        while (
            self.position.epoch < self.recipe.epochs
            and self.history.epochs_without_progress() < patience
        ):
            self._run_epoch(after_step)
            self._close_epoch()
            if after_epoch is not None:
                after_epoch(self)
        self.model.eval()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What has to be the same for a saved state to go on; read once, for towers are large."""
        return run_settings(self)

    def state(self) -> RunState:
        """Return all that training goes on from."""
        return collect_state(self)

    def load(self, state: RunState) -> None:
        """Go on from a saved state.

        Raises:
            ValueError: If it belongs to another recipe, class list, encoder or number of images.
        """
        restore_state(self, state)

    def share_of(self, rows: Int[Tensor, " rows"]) -> Int[Tensor, " share"]:
        """Return the rows that this process takes care of."""
        shares = rows.tensor_split(self.accelerator.num_processes)
        return shares[self.accelerator.process_index]

    def _run_epoch(self, after_step: Callable[["Trainer", TRMMLLosses], None] | None) -> None:
        epoch, first = self.position
        prototypes = self.model.prototypes
        second = epoch >= self.recipe.first_stage_epochs
        if second and prototypes is not None and prototypes.stage == 1:
            self.model.begin_second_stage()
        self.model.train()
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
    ) -> TRMMLLosses:
        classes = self._classes(rows)
        total = torch.zeros(len(TRMMLLosses._fields), device=self.accelerator.device)
        for part in parts:
            batch = next(batches)
            is_last = part is parts[-1]
            with self.accelerator.no_sync(self.step) if not is_last else nullcontext():
                losses = self.step(*self._on_device(batch), classes)
                if not bool(losses.total.isfinite()):
                    raise FloatingPointError(
                        f"The loss must be finite, got {losses.total.item()} in step "
                        f"{self.position.step} of epoch {self.position.epoch}; lower `max_lr` or "
                        f"look at these images: {self.source.describe(part)}"
                    )
                weight = len(part) / len(rows)
                self.accelerator.backward(losses.total * weight)
            total += weight * torch.stack(losses).detach()
        self.accelerator.clip_grad_norm_(self.model.parameters(), self.recipe.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if not self.optimizer.step_was_skipped:  # in fp16, where the scale was too high
            self.scheduler.step()
            if self.average is not None:
                self.average.update(self.model)
        return TRMMLLosses(*total)

    def _on_device(self, batch: Batch) -> Batch:
        device = self.accelerator.device
        inputs = batch.inputs.to(device, non_blocking=True)
        return Batch(inputs, batch.labels.to(device, non_blocking=True), batch.grid)

    def _classes(self, rows: Int[Tensor, " rows"]) -> Int[Tensor, " sampled"] | None:
        """Draw the categories of a step, the same in every process and after a resumption."""
        if self.recipe.class_sample is None:
            return None
        step = self.position.epoch * self.steps_per_epoch + self.position.step
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + step)
        labels = self.source.labels[rows]
        classes = sample_classes(labels, self.recipe.class_sample, generator=generator)
        return classes.to(self.accelerator.device)

    @torch.no_grad()
    def _calibrate(self) -> None:
        """Set the start of the regions from some images, each encoded by one process."""
        rows = self.share_of(calibration_rows(len(self.source.labels), seed=self.recipe.seed))
        parts = rows.split(
            max(1, self.recipe.batch_size // self.recipe.gradient_accumulation_steps)
        )
        dense = []
        for batch in self.source.batches(parts, epoch=0):
            inputs, _, grid = self._on_device(batch)
            with self.accelerator.autocast():
                dense.append(inputs if grid else self.model.image_encoder.encode_dense(inputs)[0])
        self.model.calibrate(gather_rows(torch.cat(dense)))

    def _close_epoch(self) -> None:
        measured: dict[str, Any] = {"lr": self.scheduler.get_last_lr()[0]}
        if self.model.prototypes is not None:
            measured["stage"] = int(self.model.prototypes.stage)
        if self.validate is not None:
            with self.ready_model() as model:
                measured["validation"] = self.validate(model)
        self.history.close_epoch(**measured)
        self.position = Position(self.position.epoch + 1, 0)

    @contextmanager
    def ready_model(self) -> Iterator[TRMML]:
        """Give the model as it is evaluated and saved: in eval mode, with averaged weights."""
        average = nullcontext() if self.average is None else self.average.applied_to(self.model)
        with average:
            yield self.model.eval()
