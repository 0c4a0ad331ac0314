"""What happens around the steps of a run: stopping, checkpoints, the best model, curves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from trmml.labels import Labels
from trmml.training.loop.trainer import Losses, Trainer
from trmml.training.run.completion import added_labels
from trmml.training.run.folder import RunFolder
from trmml.training.run.interruption import StopRequest, TrainingStopped
from trmml.training.run.sources import RunProgress
from trmml.training.run.timing import TrainingClock

__all__ = ["RunCallbacks"]


class RunCallbacks:
    """Keep a run's folder up to date while a trainer trains.

    Args:
        folder: Of the run.
        request: Says whether to stop.
        selects: Whether the best epoch's model is kept, or only the last one's.
        goes_on: Whether the training goes on from a saved state.
        truth: Labels of the images to learn from before any was hidden, for the record of each
            epoch; None where nobody knows.
        checkpoint_every: Steps between checkpoints, besides the one after each epoch.
        progress: Told of every step.
        on_epoch: Given the record of each epoch.
    """

    def __init__(
        self,
        folder: RunFolder,
        request: StopRequest,
        *,
        selects: bool,
        goes_on: bool = False,
        truth: Labels | None = None,
        checkpoint_every: int | None = None,
        progress: RunProgress | None = None,
        on_epoch: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Note what to do; nothing happens yet."""
        self.folder, self.request = folder, request
        self.selects, self.truth, self.checkpoint_every = selects, truth, checkpoint_every
        self.progress, self.on_epoch = progress, on_epoch
        self.clock = TrainingClock(folder.timing, goes_on=goes_on) if folder.writes else None

    def after_step(self, trainer: Trainer, losses: Losses) -> None:  # noqa: ARG002
        """Show progress, and save if it is time or if training is to stop.

        Raises:
            TrainingStopped: If a signal asked to; the state is saved.
        """
        done = trainer.steps_done
        if self.progress is not None:
            self.progress("Training", done, trainer.total_steps)
        stop = self._agreed_signal(trainer)
        every = self.checkpoint_every
        due = every is not None and done % every == 0
        if stop or due:
            self.save(trainer)
        if stop:
            raise TrainingStopped(stop)

    def after_start(self, trainer: Trainer) -> None:
        """Keep the model before its first step: so far the best."""
        if self.selects:
            self._keep_model(trainer, self.folder.best)

    def after_epoch(self, trainer: Trainer) -> None:
        """Keep the best model and the record, then the state.

        The state comes last: a run that is killed before it does the epoch's end again. Of what is
        trained before the task, the state is all there is to keep.
        """
        if trainer.is_forerunner:
            self.save(trainer)
            return
        trainer.check_finite()  # before anything is written
        history = trainer.history
        history.records[-1] |= added_labels(trainer.task, trainer.source.labels, self.truth)
        is_best = history.best_epoch() == len(history.records) - 1
        if self.selects and is_best:
            self._keep_model(trainer, self.folder.best)
        self.folder.note_epoch(history)
        self.save(trainer)
        if self.on_epoch is not None:
            self.on_epoch(history.records[-1])

    def finish(self, trainer: Trainer) -> None:
        """Keep the last epoch's model."""
        self._keep_model(trainer, self.folder.last)

    def save(self, trainer: Trainer) -> None:
        """Keep the state to go on from.

        Raises:
            FloatingPointError: If a number in it is not finite; the checkpoint before stays.
        """
        trainer.check_finite()
        if self.folder.writes:
            self.folder.save_state(trainer.state(copied=False), step=trainer.steps_done)
        if self.clock is not None:
            self.clock.note()

    def _keep_model(self, trainer: Trainer, directory: Path) -> None:
        if self.folder.writes:
            with trainer.ready_model() as model:
                model.save_pretrained(directory, training_state=True)

    def _agreed_signal(self, trainer: Trainer) -> int:
        """Return the signal that any process got, so that all stop after the same step; 0 if none.

        The launcher sends it to all of them, but not at the same moment.
        """
        mine = self.request.signal or 0
        if trainer.accelerator.num_processes == 1:
            return mine
        everyone = trainer.accelerator.gather(
            torch.tensor([mine], device=trainer.accelerator.device)
        )
        return int(everyone.max())
