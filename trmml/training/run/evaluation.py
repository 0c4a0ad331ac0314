"""What a run measures: after each epoch to select one, and at the end to report."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from trmml.completion import surely_tells
from trmml.labels import UNKNOWN, Labels
from trmml.metrics import mean_average_precision
from trmml.models import MultiLabelModel
from trmml.models.zero_shot_stack import ZeroShotStack
from trmml.prediction import Evaluation, calibrate_thresholds, evaluate_scores, fit_stack
from trmml.training.run.plain_reliability import plain_reliability
from trmml.training.run.sources import RunSources
from trmml.training.sources.caption_source import CaptionSource
from trmml.training.sources.scoring import (
    score_source,
    stack_evidence_of_source,
    zero_shot_of_source,
)
from trmml.training.sources.source import TrainingSource

__all__ = ["RunEvaluator", "enough_rows"]

Read = TypeVar("Read")

ENOUGH = 1_000  # known labels tell well enough what the frozen towers are worth


def enough_rows(labels: Labels, *, already: int) -> Bool[Tensor, " images"]:
    """Mark the first images that bring the known labels to as many as are enough.

    Args:
        labels: Of the images to choose from, in the order of the choice.
        already: How many known labels there are without them.
    """
    known = (labels != UNKNOWN).sum(1)
    before = known.cumsum(0) - known + already
    return (known > 0) & (before < ENOUGH)


class RunEvaluator:
    """Score a run's models on the images that were not trained on.

    Args:
        sources: Of the run.
        on_test: Whether epochs are selected on the test images, as the peers do.
        batch_size: Images at once.
        accelerator: An `accelerate.Accelerator`; every process scores a share of the images.
        stack: What models predict by, with the texts of the classes; None for their own score.
    """

    def __init__(
        self,
        sources: RunSources,
        *,
        on_test: bool,
        batch_size: int,
        accelerator: Any,  # noqa: ANN401
        stack: ZeroShotStack | None = None,
    ) -> None:
        """Keep what scoring needs."""
        self.sources, self.on_test, self.batch_size = sources, on_test, batch_size
        self.accelerator = accelerator
        self.stack = None if stack is None else stack.to(accelerator.device)
        self.towers_tell: bool | None = None  # asked once

    def selection_scores(self, model: MultiLabelModel) -> dict[str, float]:
        """Return the figures of one epoch; "map" selects."""
        source = self.sources.test if self.on_test else self.sources.validation
        if source is None:
            raise ValueError("`sources` must have images to select on, got none.")
        logits, _ = self._judge(model, source)
        found = self._evaluate(model, source, logits)
        return {
            "map": found.mean_average_precision,
            "interpolated_map": found.interpolated_mean_average_precision,
            "CF1": found.at_half.CF1,
            "OF1": found.at_half.OF1,
        }

    def final_figures(self, model: MultiLabelModel) -> dict[str, Any]:
        """Fit the selected model's stack and thresholds to the validation images; test it, once."""
        figures: dict[str, Any] = {"validation": None, "test": None}
        if self.sources.validation is not None:
            logits, alone = self._judge(model, self.sources.validation)
            labels = self.sources.validation.labels
            model.stack = self.stack
            model.decision_thresholds = calibrate_thresholds(logits.sigmoid(), labels).tolist()
            figures["validation"] = self._figures(model, self.sources.validation, logits) | alone
        if self.sources.test is not None:
            logits, alone = self._judge(model, self.sources.test, fit=False)
            figures["test"] = self._figures(model, self.sources.test, logits) | alone
        return figures

    def _judge(
        self, model: MultiLabelModel, source: TrainingSource, *, fit: bool = True
    ) -> tuple[Float[Tensor, "images classes"], dict[str, Any]]:
        """Return what the model predicts and, by a stack, what its parts are worth alone.

        Args:
            model: To judge.
            source: On which images.
            fit: Whether the stack is not yet fitted to this model.
        """
        if self.stack is None:
            return self._score(model, source), {}
        stack, held = self.stack, self.sources.validation
        if held is None:
            raise ValueError("`sources` must have validation images to fit a stack to, got none.")
        read = partial(stack_evidence_of_source, model, stack)
        evidence = self._read(partial(read, source))
        if fit:
            unseen = evidence if source is held else self._read(partial(read, held))
            if self.towers_tell is None:
                self.towers_tell = self._ask_towers(model, stack, unseen[1], held.labels)
            fit_stack(stack, unseen, held.labels, towers_tell=self.towers_tell)
        logits = stack.add_up(evidence.to(stack.bias)).cpu()
        figures = [mean_average_precision(scores, source.labels) for scores in evidence]
        return logits, {"alone": dict(zip(("score", "zero_shot"), figures, strict=True))}

    def _ask_towers(
        self,
        model: MultiLabelModel,
        stack: ZeroShotStack,
        scores: Float[Tensor, "images classes"],
        labels: Labels,
    ) -> bool:
        """Ask whether the frozen towers surely tell what is there, who have learnt no labels.

        So labels that are trained on can judge them, too, where those set aside are few.

        Args:
            model: With the image tower.
            stack: With the texts of the classes.
            scores: What the towers say of the images set aside.
            labels: Of these.
        """
        train = self.sources.train
        if not isinstance(train, CaptionSource):
            order = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(0))
            rows = order[enough_rows(train.labels[order], already=int((labels != UNKNOWN).sum()))]
            read = partial(zero_shot_of_source, model.image_encoder, stack, train, rows)
            taught = self._read(read)
            scores = torch.cat([scores, taught[0]])
            labels = torch.cat([labels, taught[1].to(labels)])
        return surely_tells(scores, labels)

    def _figures(
        self,
        model: MultiLabelModel,
        source: TrainingSource,
        logits: Float[Tensor, "images classes"],
    ) -> dict[str, Any]:
        found = self._evaluate(model, source, logits).as_dict()
        return found | {"reliability": plain_reliability(logits.sigmoid(), source.labels)}

    def _evaluate(
        self,
        model: MultiLabelModel,
        source: TrainingSource,
        logits: Float[Tensor, "images classes"],
    ) -> Evaluation:
        titles, thresholds = model.class_names.titles, model.decision_thresholds
        return evaluate_scores(logits, source.labels, titles, thresholds=thresholds)

    def _score(
        self, model: MultiLabelModel, source: TrainingSource
    ) -> Float[Tensor, "images classes"]:
        return self._read(partial(score_source, model, source))

    def _read(self, read: Callable[..., Read]) -> Read:
        process = (self.accelerator.process_index, self.accelerator.num_processes)
        with self.accelerator.autocast():
            return read(batch_size=self.batch_size, process=process)
